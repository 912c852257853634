package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.device.virtio.net.VnicKind;
import io.vireo.fabric.l2.L2Switch;
import io.vireo.fabric.l2.NetworkKind;
import io.vireo.fabric.l2.UplinkKind;
import io.vireo.linux.NetInterface;
import io.vireo.linux.NetworkNamespace;
import io.vireo.net.PortSpec;
import io.vireo.net.QosPolicy;
import io.vireo.net.QosSettings;
import io.vireo.reactor.PollMode;
import io.vireo.resource.BitRate;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.ResourceException;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.spec.AdminState;
import io.vireo.resource.spec.NetworkSpec;
import io.vireo.resource.spec.UplinkSpec;
import io.vireo.resource.spec.UplinkSpec.Type;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.Eventually;
import io.vireo.testkit.FakeContext;
import io.vireo.testkit.HostShell;
import io.vireo.testkit.VhostUserSession;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The uplink of a network is replaced, by another Uplink and by another interface, while a vNIC
 * sends to and receives from another port of the network: no frame between the two is lost, and the
 * card notices nothing. All interfaces are ports of one bridge of the kernel, whose table shows
 * where the card is announced.
 */
@Timeout(120)
class UplinkSwapTest {
    private static final String OUTSIDE = "vireo-swap-" + ProcessHandle.current().pid();
    private static final MacAddress MAC = MacAddress.parse("56:49:00:00:00:61");
    private static final Metadata CARD = Metadata.of("web1.eth0", "1");
    private static final Metadata LAN = Metadata.of("lan", "2");
    private static final int RING = 64;
    private static final int SWAPS = 6;
    private static final long GIGABIT = 1_000_000_000L;

    private final NetBed bed;
    private final FakeContext context;
    private final SequencePeer.Counts counts = new SequencePeer.Counts();
    private final DriverMemory memory = new DriverMemory(16 << 20);
    private final VnicKind vnics = new VnicKind();
    private final NetworkKind networks = new NetworkKind();
    private final UplinkKind uplinks = new UplinkKind();
    private final QosPolicy gold =
            new QosPolicy(
                    "gold",
                    new QosSettings(
                            Optional.empty(),
                            Optional.empty(),
                            100,
                            6 * GIGABIT,
                            0,
                            QosSettings.Marking.NONE));

    UplinkSwapTest(@TempDir Path directory) {
        bed = new NetBed(directory, 1, PollMode.ADAPTIVE);
        context = bed.context.with(QosPolicy.class, gold);
    }

    @BeforeEach
    void wire() throws Exception {
        HostShell.makeNamespace(OUTSIDE);
        // Nothing outside says anything by itself.
        HostShell.run(
                "ip netns exec " + OUTSIDE + " sysctl -qw net.ipv6.conf.default.disable_ipv6=1");
        HostShell.run("ip -n " + OUTSIDE + " link add br0 type bridge");
        HostShell.run("ip -n " + OUTSIDE + " link set br0 up");
        HostShell.run("ip -n " + OUTSIDE + " link add cable0 type veth peer name port0");
        HostShell.run("ip -n " + OUTSIDE + " link set port0 up");
        bridge("port0");
    }

    @AfterEach
    void unwire() throws Exception {
        bed.close();
        memory.close();
        HostShell.removeNamespace(OUTSIDE);
    }

    private static UplinkSpec spec(Type type, String device, int mtu, long gigabits) {
        var speed = Optional.of(gigabits * GIGABIT).filter(bits -> bits > 0).map(BitRate::new);
        return NetBed.uplink(type, device, OUTSIDE, mtu).withSpeed(speed);
    }

    private static Metadata metadata(String uplink) {
        return Metadata.of(uplink, "uid-" + uplink);
    }

    private void uplink(String name, UplinkSpec spec) {
        context.realize(uplinks, metadata(name), spec);
    }

    private UpdateResult change(String uplink, UplinkSpec from, UplinkSpec to) {
        assertThat(uplinks.validateUpdate(metadata(uplink), from, to)).isEmpty();
        return uplinks.update(
                context.running("Uplink", uplink), metadata(uplink), from, to, context);
    }

    private static NetworkSpec lan(String uplink) {
        return NetBed.lan(Optional.of(uplink).filter(name -> !name.isEmpty()), false);
    }

    private Realization network(String uplink) {
        var network = context.realize(networks, LAN, lan(uplink));
        network.contract(L2Switch.class)
                .orElseThrow()
                .attach(new SequencePeer("peer", MAC.bits(), counts), PortSpec.access(0));
        return network;
    }

    private UpdateResult leaveBy(Realization network, String from, String to) {
        return networks.update(network, LAN, lan(from), lan(to), context);
    }

    private Realization card(Optional<String> policy) {
        return context.realize(vnics, CARD, bed.card(MAC, "lan", policy, AdminState.UP));
    }

    /** Puts a TAP that Vireo has made into the bridge. */
    private static void bridge(String port) throws Exception {
        // It must not send by one uplink what it got by another: for the network that would be a
        // loop.
        HostShell.run("ip -n " + OUTSIDE + " link set br0 down");
        HostShell.run("ip -n " + OUTSIDE + " link set " + port + " master br0");
        HostShell.run("bridge -n " + OUTSIDE + " link set dev " + port + " isolated on");
        HostShell.run("ip -n " + OUTSIDE + " link set br0 up");
    }

    private static void awaitCardAt(String port) {
        var command = "bridge -n " + OUTSIDE + " fdb show br br0";
        var place = MAC + " dev " + port;
        Eventually.slowly(place, () -> HostShell.run(command).contains(place));
    }

    private static boolean exists(String name) throws IOException {
        try (var inside = NetworkNamespace.enter(OUTSIDE)) {
            return NetInterface.of(name).exists();
        }
    }

    /** Another Uplink, none, a bond of the one so far, and back. */
    private void swapUplinks(Realization network) {
        for (int i = 0; i < SWAPS; i++) {
            var from = "a";
            for (var to : List.of("b", "", "both", "a")) {
                assertThat(leaveBy(network, from, to)).isEqualTo(UpdateResult.IN_PLACE);
                from = to;
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(i));
            }
        }
    }

    /** Another interface, another type, another MTU, and back. */
    private void swapInterfaces() {
        var from = spec(Type.TAP, "up0", 1500, 0);
        for (int i = 0; i < SWAPS; i++) {
            for (var to :
                    List.of(
                            spec(Type.TAP, "up2", 1500, 0),
                            spec(Type.PACKET, "cable0", 1500, 0),
                            spec(Type.PACKET, "cable0", 1600, 0),
                            spec(Type.TAP, "up0", 1500, 0))) {
                assertThat(change("a", from, to)).isEqualTo(UpdateResult.IN_PLACE);
                from = to;
                LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(i));
            }
        }
    }

    private interface Work {
        void run() throws Exception;
    }

    private static void unchecked(Work work) {
        try {
            work.run();
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    @Tag("endurance")
    void nothingBetweenCardsIsLostAndTheirLinksStayUp() throws Exception {
        uplink("a", spec(Type.TAP, "up0", 1500, 0));
        uplink("b", spec(Type.TAP, "up1", 1500, 0));
        uplink("both", NetBed.bond(5, "a", "b"));
        var network = network("a");
        var vnic = card(Optional.empty());
        try (var session = VhostUserSession.open(bed.socket(), memory, ~0L)) {
            var driver = new SequenceDriver(session, 0, RING, MAC.bits());
            underTraffic(
                    driver,
                    vnic,
                    () -> {
                        bridge("up0");
                        bridge("up1");
                        awaitTraffic();
                        assertThat(leaveBy(network, "a", "b")).isEqualTo(UpdateResult.IN_PLACE);
                        awaitCardAt("up1");
                        assertThat(leaveBy(network, "b", "a")).isEqualTo(UpdateResult.IN_PLACE);
                        awaitCardAt("up0");
                        var tap = spec(Type.TAP, "up0", 1500, 0);
                        var cable = spec(Type.PACKET, "cable0", 1500, 0);
                        assertThat(change("a", tap, cable)).isEqualTo(UpdateResult.IN_PLACE);
                        awaitCardAt("port0");
                        assertThat(exists("up0")).as("made here, and of no use any more").isFalse();
                        assertThat(change("a", cable, tap)).isEqualTo(UpdateResult.IN_PLACE);
                        // It was made anew, and its first announcements may be over by now.
                        bridge("up0");
                        assertThat(leaveBy(network, "a", "b")).isEqualTo(UpdateResult.IN_PLACE);
                        awaitCardAt("up1");
                        assertThat(leaveBy(network, "b", "a")).isEqualTo(UpdateResult.IN_PLACE);
                        awaitCardAt("up0");
                        swapUplinks(network);
                        swapInterfaces();
                    });
            assertThat(NetBed.metric(vnic, "vhost_sessions_total")).isEqualTo(1);
            assertThat(NetBed.metric(vnic, "tx_frames_total")).isEqualTo(driver.sent());
            assertThat(network.status().attributes()).containsEntry("ports", "3");
        }
        context.close(vnic);
        context.close(network);
    }

    private void awaitTraffic() {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (counts.heard.size() < RING) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            LockSupport.parkNanos(1_000_000);
        }
    }

    private void underTraffic(SequenceDriver driver, Realization vnic, Work swaps) {
        var done = CompletableFuture.runAsync(() -> unchecked(swaps));
        boolean up = true;
        while (!done.isDone()) {
            counts.allowed.set(RING);
            driver.pump(RING);
            up &= "up".equals(vnic.status().attributes().get("link"));
            if (driver.sent() % 1000 > 900) {
                // Now and then all go to sleep.
                LockSupport.parkNanos(100_000);
            }
        }
        done.join();
        counts.allowed.set(0);
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
        while (!driver.idle()
                || counts.heard.size() < driver.sent()
                || NetBed.metric(vnic, "rx_frames_total") != driver.received() + driver.others()) {
            assertThat(System.nanoTime())
                    .as(() -> outOfPlace(driver.sent()) + "; " + facts(vnic))
                    .isLessThan(deadline);
            driver.pump(0);
            LockSupport.parkNanos(10_000);
        }
        assertThat(up).isTrue();
        assertThat(outOfPlace(driver.sent())).as(() -> facts(vnic)).isEmpty();
        // All that the peer has sent came: it had room, or is counted as not having had any.
        // What the host says to all may be among the dropped.
        assertThat(driver.received() + NetBed.metric(vnic, "rx_dropped_total"))
                .isGreaterThanOrEqualTo(counts.next.get());
    }

    /** Numbers that the peer did not hear when it should have, the first ten. */
    private List<String> outOfPlace(int sent) {
        var wrong = new ArrayList<String>();
        int expected = 0;
        for (int number : counts.heard) {
            if (number != expected && wrong.size() < 10) {
                wrong.add(number + " in place of " + expected);
            }
            expected = number + 1;
        }
        if (expected != sent && wrong.size() < 10) {
            wrong.add("the last of " + sent + " is " + (expected - 1));
        }
        return wrong;
    }

    private String facts(Realization vnic) {
        return context.running("Network", "lan").status().metrics()
                + "; "
                + vnic.status().metrics();
    }

    @Test
    void whatIsReservedHasToFit() throws Exception {
        uplink("a", spec(Type.TAP, "up0", 1500, 10));
        uplink("b", spec(Type.TAP, "up1", 1500, 5));
        var network = network("a");
        var vnic = card(Optional.of("gold"));
        assertThat(leaveBy(network, "a", "b"))
                .isEqualTo(
                        new UpdateResult.Refused(
                                "reservations of 6 Gbit/s are more than the 5 Gbit/s of uplink b:"
                                        + " web1.eth0 6 Gbit/s."));
        assertThat(network.status().attributes())
                .containsEntry("uplinkSpeed", "10 Gbit/s")
                .containsEntry("ports", "3");
        var ten = spec(Type.TAP, "up0", 1500, 10);
        assertThat(change("a", ten, spec(Type.TAP, "up2", 1500, 4)))
                .isEqualTo(
                        new UpdateResult.Refused(
                                "reservations of 6 Gbit/s are more than the 4 Gbit/s of uplink a:"
                                        + " web1.eth0 6 Gbit/s."));
        assertThat(exists("up2")).isFalse();
        var twenty = spec(Type.TAP, "up0", 1500, 20);
        assertThat(change("a", ten, twenty)).isEqualTo(UpdateResult.IN_PLACE);
        assertThat(network.status().attributes())
                .containsEntry("uplinkSpeed", "20 Gbit/s")
                .containsEntry("uplinkReserved", "6 Gbit/s");
        // Without an uplink there is nothing to be reserved of.
        assertThat(leaveBy(network, "a", "")).isEqualTo(UpdateResult.IN_PLACE);
        assertThat(network.status().attributes()).doesNotContainKey("uplinkSpeed");
        assertThat(leaveBy(network, "", "b")).isInstanceOf(UpdateResult.Refused.class);
        assertThat(network.status().attributes()).containsEntry("ports", "2");
        assertThat(leaveBy(network, "", "a")).isEqualTo(UpdateResult.IN_PLACE);
        context.close(vnic);
        context.close(network);
    }

    @Test
    void anUplinkThatCannotBeHadLeavesTheOneSoFarInUse() throws Exception {
        uplink("a", spec(Type.TAP, "up0", 1500, 0));
        uplink("b", spec(Type.TAP, "up1", 1500, 0));
        var network = network("a");
        var other = context.realize(networks, Metadata.of("dmz", "3"), lan("b"));
        var vnic = card(Optional.empty());
        try (var session = VhostUserSession.open(bed.socket(), memory, ~0L)) {
            var driver = new SequenceDriver(session, 0, RING, MAC.bits());
            underTraffic(
                    driver,
                    vnic,
                    () -> {
                        assertThat(failure(() -> leaveBy(network, "a", "b")))
                                .contains("'b' cannot be plugged in", "another network");
                        var tap = spec(Type.TAP, "up0", 1500, 0);
                        assertThat(
                                        failure(() ->
                                                change(
                                                        "a",
                                                        tap,
                                                        spec(Type.PACKET, "none0", 1500, 0))))
                                .contains("none0");
                        assertThat(
                                        failure(() ->
                                                change(
                                                        "a",
                                                        tap,
                                                        spec(Type.TAP, "cable0", 1500, 0))))
                                .contains("cable0");
                        assertThat(exists("up0")).isTrue();
                        awaitTraffic();
                        var cable = spec(Type.PACKET, "cable0", 1500, 0);
                        assertThat(change("a", tap, cable)).isEqualTo(UpdateResult.IN_PLACE);
                        awaitCardAt("port0");
                    });
        }
        context.close(vnic);
        context.close(network);
        context.close(other);
    }

    private static String failure(Runnable change) {
        try {
            change.run();
        } catch (ResourceException e) {
            return Objects.requireNonNull(e.getMessage());
        }
        throw new AssertionError("it was done");
    }
}
