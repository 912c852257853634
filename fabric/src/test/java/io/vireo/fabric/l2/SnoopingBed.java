package io.vireo.fabric.l2;

import static io.vireo.fabric.l2.Packets.address4;
import static io.vireo.fabric.l2.Packets.address6;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.net.PortSpec;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.MulticastQuerierSpec;
import io.vireo.resource.spec.MulticastSnoopingSpec;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A bridge that snoops, with three stations and a router. */
abstract class SnoopingBed {
    protected static final int MTU = 9000;
    protected static final long A = 0x5254_0000_000AL;
    protected static final long B = 0x5254_0000_000BL;
    protected static final long Q = 0x0252_5400_0007L;
    protected static final int OTHER = address4(239, 1, 2, 4);
    protected static final int S1 = address4(10, 1, 0, 1);
    protected static final int S2 = address4(10, 2, 0, 1);
    protected static final byte[] ALL_MLD = address6(0xFF02_0000_0000_0000L, 0x16);
    protected static final byte[] NOBODY = new byte[16];

    protected final Bridge bridge = new Bridge(MTU, VlanSet.NONE, 1000, 300);
    protected final FramePort a = new FramePort("a", MTU);
    protected final FramePort b = new FramePort("b", MTU);
    protected final FramePort c = new FramePort("c", MTU);
    protected final FramePort router = new FramePort("r", MTU);
    protected final BridgePort portA = bridge.add(a, PortSpec.access(5));
    protected final BridgePort portB = bridge.add(b, PortSpec.access(5));
    protected final BridgePort portC = bridge.add(c, PortSpec.access(5));
    protected final BridgePort portR = bridge.add(router, PortSpec.transparent(true));

    @BeforeEach
    void snoop() {
        time(100);
        snoop(false, 3, true);
    }

    @AfterEach
    void close() {
        bridge.close();
    }

    protected void snoop(boolean fastLeave, int limit, boolean floodUnknown) {
        snoop(fastLeave, limit, floodUnknown, Optional.empty());
    }

    protected void snoop(
            boolean fastLeave,
            int limit,
            boolean floodUnknown,
            Optional<MulticastQuerierSpec> querier) {
        bridge.snoop(
                Optional.of(
                        new MulticastSnoopingSpec(260, fastLeave, limit, floodUnknown, querier)),
                Q);
    }

    /** With a querier of its own, that has no IPv4 address. */
    protected void ask(boolean fastLeave) {
        snoop(
                fastLeave,
                3,
                false,
                Optional.of(new MulticastQuerierSpec(Optional.empty(), 125, 10, 3)));
    }

    protected void time(int seconds) {
        bridge.time(TimeUnit.SECONDS.toNanos(seconds));
    }

    protected Snooping snooping() {
        return Objects.requireNonNull(bridge.snooping());
    }

    protected long counted(int counter) {
        return snooping().counted(counter);
    }

    protected void send(BridgePort from, byte[]... frames) {
        Stream.of(a, b, c, router).forEach(FramePort::sent);
        for (var frame : frames) {
            ((FramePort) from.port).arrive(frame);
        }
        while (bridge.pass(from) > 0) {}
    }

    /** Who got how many frames, of those that are not the router. */
    protected List<Integer> got() {
        return Stream.of(a, b, c).map(port -> port.sent().size()).toList();
    }

    /** What the ports of VLAN 5 were asked in a second: the EtherTypes of queries from us. */
    protected List<Integer> asked(int seconds) {
        time(seconds);
        Stream.of(a, b, c, router).forEach(FramePort::sent);
        snooping().runQuerier(seconds);
        var queries = a.sent();
        assertThat(b.sent()).containsExactlyElementsOf(queries);
        assertThat(router.sent())
                .as("tagged at the uplink")
                .filteredOn(query -> Frames.get(query, 14) == 5)
                .containsExactlyElementsOf(
                        queries.stream().map(query -> Frames.tagged(query, 5)).toList());
        return queries.stream().map(query -> Frames.get(query, 12)).sorted().toList();
    }
}
