package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.fabric.l2.Mirror.Loss;
import io.vireo.net.DropReason;
import io.vireo.net.Offload;
import io.vireo.net.PortSpec;
import io.vireo.net.PortState;
import io.vireo.resource.Metadata;
import io.vireo.resource.Violation;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.MirrorDestinationSpec;
import io.vireo.resource.spec.MirrorSourceSpec;
import io.vireo.resource.spec.MirrorSpec;
import io.vireo.resource.spec.MirrorSpec.Direction;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MirrorTest {
    private static final int MTU = 1500;
    private static final long A = 0x5254_0000_000AL;
    private static final long B = 0x5254_0000_000BL;
    private static final long P = 0x5254_0000_000CL;

    private final Bridge bridge = new Bridge(MTU, VlanSet.NONE, 1000, 300);
    private final FramePort a = new FramePort("a.eth0", MTU);
    private final FramePort b = new FramePort("b.eth0", MTU);
    private final FramePort probe = new FramePort("probe.eth0", MTU);
    private final AtomicInteger changes = new AtomicInteger();

    @AfterEach
    void close() {
        bridge.close();
    }

    private static MirrorSourceSpec vnic(String name, Direction direction) {
        return new MirrorSourceSpec(Optional.of(name), Optional.empty(), direction);
    }

    private static MirrorDestinationSpec to(String name, boolean shared) {
        return new MirrorDestinationSpec(Optional.of(name), Optional.empty(), shared);
    }

    private static MirrorSpec spec(Direction direction) {
        return spec(direction, OptionalInt.empty(), OptionalInt.empty());
    }

    private static MirrorSpec spec(Direction direction, OptionalInt snap, OptionalInt rate) {
        return new MirrorSpec(
                "lan", List.of(vnic("a.eth0", direction)), to("probe.eth0", false), snap, rate, 2);
    }

    private Mirror mirror(MirrorSpec spec) {
        var mirror = new Mirror(spec, changes::incrementAndGet);
        bridge.add(mirror);
        return mirror;
    }

    private void send(BridgePort from, byte[]... frames) {
        for (var frame : frames) {
            ((FramePort) from.port).arrive(frame);
        }
        while (bridge.pass(from) > 0) {}
    }

    @Test
    void copiesWhatComesAndGoes() {
        var portA = bridge.add(a, PortSpec.access(0));
        var portB = bridge.add(b, PortSpec.access(0));
        var portP = bridge.add(probe, PortSpec.access(0));
        var mirror = mirror(spec(Direction.BOTH));
        var ask = Frames.frame(Frames.BROADCAST, A, 100);
        var answer = Frames.frame(A, B, 1514);
        send(portA, ask);
        send(portB, answer);
        assertThat(probe.sent()).containsExactly(ask, answer);
        assertThat(a.sent()).containsExactly(answer);
        assertThat(b.sent()).containsExactly(ask);
        assertThat(mirror.copies()).isEqualTo(2);
        assertThat(mirror.bytes()).isEqualTo(1614);
        assertThat(portP.counters().transmittedFrames()).isEqualTo(2);
        mirror.change(spec(Direction.INGRESS));
        bridge.joinMirrors();
        send(portA, ask);
        send(portB, answer);
        assertThat(probe.sent()).containsExactly(ask);
        mirror.change(spec(Direction.EGRESS));
        bridge.joinMirrors();
        send(portA, ask);
        send(portB, answer);
        assertThat(probe.sent()).containsExactly(answer);
    }

    /** A guest would speak LLDP and LACP in our name. */
    @Test
    void whatIsMeantForBridgesIsNotCopiedToTheUplink() {
        var portA = bridge.add(a, PortSpec.access(0));
        bridge.add(probe, PortSpec.transparent(true));
        var destination =
                new MirrorDestinationSpec(Optional.empty(), Optional.of("probe.eth0"), false);
        var mirror =
                mirror(
                        new MirrorSpec(
                                "lan",
                                List.of(vnic("a.eth0", Direction.BOTH)),
                                destination,
                                OptionalInt.empty(),
                                OptionalInt.empty(),
                                2));
        var ordinary = Frames.frame(0x0180_C200_0010L, A, 100);
        send(
                portA,
                Frames.frame(0x0180_C200_000EL, A, 100),
                Frames.tagged(Frames.frame(0x0180_C200_000EL, A, 100), 0),
                Frames.frame(0x0180_C200_0002L, A, 100),
                ordinary);
        assertThat(probe.sent()).containsExactly(ordinary);
        assertThat(mirror.lost(Loss.RESERVED)).isEqualTo(3);
    }

    @Test
    void theDestinationGetsCopiesOnlyAndSendsNothing() {
        var portA = bridge.add(a, PortSpec.access(0));
        var portB = bridge.add(b, PortSpec.access(0));
        var portP = bridge.add(probe, PortSpec.access(0));
        send(portP, Frames.frame(Frames.BROADCAST, P, 60));
        a.sent();
        b.sent();
        var mirror = mirror(spec(Direction.INGRESS));
        send(portP, Frames.frame(Frames.BROADCAST, P, 60), Frames.frame(A, P, 60));
        assertThat(a.sent()).isEmpty();
        assertThat(b.sent()).isEmpty();
        assertThat(portP.counters().receivedDropped(DropReason.MIRROR_DESTINATION)).isEqualTo(2);
        // Its station is forgotten, and what is flooded does not reach it.
        send(portB, Frames.frame(P, B, 60), Frames.frame(Frames.BROADCAST, B, 61));
        assertThat(probe.sent()).isEmpty();
        assertThat(a.sent()).hasSize(2);
        bridge.remove(mirror);
        assertThat(portA.ingress).isSameAs(PortStage.NONE);
        assertThat(portP.ingress).isSameAs(PortStage.NONE);
        send(portB, Frames.frame(P, B, 60));
        assertThat(probe.sent()).hasSize(1);
    }

    @Test
    void aSharedDestinationGoesOnAsItWas() {
        var portA = bridge.add(a, PortSpec.access(0));
        bridge.add(b, PortSpec.access(0));
        var portP = bridge.add(probe, PortSpec.access(0));
        mirror(
                new MirrorSpec(
                        "lan",
                        List.of(vnic("a.eth0", Direction.BOTH)),
                        to("probe.eth0", true),
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        1));
        var toAll = Frames.frame(Frames.BROADCAST, A, 100);
        send(portA, toAll);
        assertThat(probe.sent()).as("the copy and the frame itself").containsExactly(toAll, toAll);
        var answer = Frames.frame(A, P, 60);
        send(portP, answer);
        assertThat(a.sent()).containsExactly(answer);
        assertThat(probe.sent()).containsExactly(answer);
    }

    @Test
    void anUplinkCanBeEither() {
        var rack = new FramePort("rack", MTU);
        var portA = bridge.add(a, PortSpec.transparent(false));
        var portR = bridge.add(rack, PortSpec.transparent(true));
        bridge.add(probe, PortSpec.access(0));
        var uplink = new MirrorSourceSpec(Optional.empty(), Optional.of("rack"), Direction.BOTH);
        var mirror =
                mirror(
                        new MirrorSpec(
                                "lan",
                                List.of(uplink),
                                to("probe.eth0", false),
                                OptionalInt.empty(),
                                OptionalInt.empty(),
                                1));
        var in = Frames.tagged(Frames.frame(A, B, 60), 7);
        var out = Frames.frame(B, A, 60);
        send(portR, in);
        send(portA, out);
        assertThat(probe.sent()).containsExactly(in, out);
        a.sent();
        rack.sent();
        bridge.remove(mirror);
        mirror(
                new MirrorSpec(
                        "lan",
                        List.of(vnic("a.eth0", Direction.INGRESS)),
                        new MirrorDestinationSpec(Optional.empty(), Optional.of("rack"), false),
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        1));
        send(portA, in, out);
        assertThat(rack.sent()).containsExactly(in, out);
    }

    @Test
    void copiesAreAsSeenAtTheirPort() {
        var portA = bridge.add(a, PortSpec.access(10));
        var portB = bridge.add(b, PortSpec.trunk(List.of(10), OptionalInt.empty()));
        bridge.add(probe, PortSpec.access(5));
        mirror(
                new MirrorSpec(
                        "lan",
                        List.of(vnic("a.eth0", Direction.EGRESS), vnic("b.eth0", Direction.BOTH)),
                        to("probe.eth0", false),
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        1));
        var plain = Frames.frame(A, B, 60);
        send(portB, Frames.tagged(plain, 10));
        assertThat(probe.sent()).containsExactly(Frames.tagged(plain, 10), plain);
        assertThat(a.sent()).containsExactly(plain);
        var answer = Frames.frame(B, A, 60);
        send(portA, answer);
        assertThat(probe.sent()).containsExactly(Frames.tagged(answer, 10));
        assertThat(b.sent()).containsExactly(Frames.tagged(answer, 10));
    }

    @Test
    void aSnapLengthCutsCopiesOnly() {
        var portA = bridge.add(a, PortSpec.access(3));
        bridge.add(b, PortSpec.trunk(List.of(3), OptionalInt.empty()));
        bridge.add(probe, PortSpec.access(0));
        mirror(
                new MirrorSpec(
                        "lan",
                        List.of(
                                vnic("a.eth0", Direction.INGRESS),
                                vnic("b.eth0", Direction.EGRESS)),
                        to("probe.eth0", false),
                        OptionalInt.of(200),
                        OptionalInt.empty(),
                        1));
        var shortest = Frames.frame(B, A, 60);
        var small = Frames.frame(B, A, 199);
        var large = Frames.frame(B, A, 1514);
        send(portA, shortest, small, large);
        var tagged = Frames.tagged(large, 3);
        assertThat(b.sent())
                .containsExactly(Frames.tagged(shortest, 3), Frames.tagged(small, 3), tagged);
        assertThat(probe.sent())
                .containsExactly(
                        shortest,
                        small,
                        Arrays.copyOf(large, 200),
                        Frames.tagged(shortest, 3),
                        Arrays.copyOf(Frames.tagged(small, 3), 200),
                        Arrays.copyOf(tagged, 200));
    }

    @Test
    void everyLossIsCountedWithItsReason() {
        var portA = bridge.add(a, PortSpec.access(0));
        bridge.add(b, PortSpec.access(0));
        var mirror = mirror(spec(Direction.INGRESS, OptionalInt.empty(), OptionalInt.of(1)));
        bridge.time(TimeUnit.SECONDS.toNanos(10));
        var frame = Frames.frame(B, A, 60);
        send(portA, frame);
        assertThat(mirror.lost(Loss.NO_DESTINATION)).isEqualTo(1);
        var small = new FramePort("probe.eth0", 500);
        var portP = bridge.add(small, PortSpec.access(0));
        small.state(PortState.DOWN);
        send(portA, frame);
        assertThat(mirror.lost(Loss.DOWN)).isEqualTo(1);
        assertThat(portP.counters().transmittedDropped(DropReason.DOWN)).isEqualTo(1);
        small.state(PortState.UP);
        send(portA, Frames.frame(B, A, 514 + 4 + 1));
        assertThat(mirror.lost(Loss.TOO_LONG)).isEqualTo(1);
        small.room(1);
        send(portA, frame, frame, frame);
        assertThat(mirror.lost(Loss.RATE)).as("a burst of two").isEqualTo(1);
        assertThat(mirror.lost(Loss.NO_BUFFER)).isEqualTo(1);
        assertThat(portP.counters().transmittedDropped(DropReason.NO_BUFFER)).isEqualTo(1);
        assertThat(mirror.copies()).isEqualTo(1);
        bridge.time(TimeUnit.SECONDS.toNanos(11));
        send(portA, frame);
        assertThat(mirror.copies()).isEqualTo(2);
        assertThat(b.sent()).as("frames themselves are not lost").hasSize(7);
    }

    @Test
    void aLargePacketIsCutRatherThanSegmented() {
        var portA = bridge.add(a, PortSpec.access(0));
        bridge.add(b, PortSpec.access(0));
        bridge.add(probe, PortSpec.access(0));
        mirror(spec(Direction.INGRESS, OptionalInt.of(128), OptionalInt.empty()));
        var packet = Frames.tcp4(B, A, 0x10, 30_000);
        long offload = Offload.NEEDS_CHECKSUM | Offload.GSO_TCPV4 << 8 | 1460L << 32 | 34L << 48;
        a.arrive(packet, offload);
        bridge.pass(portA);
        assertThat(probe.sent()).containsExactly(Arrays.copyOf(packet, 128));
        assertThat(b.sent()).containsExactly(packet);
    }

    @Test
    void portsComeAndGoUnderAMirror() {
        var mirror = mirror(spec(Direction.BOTH));
        assertThat(mirror.state()).isEqualTo(new Mirror.State(false, 0));
        assertThat(changes).hasValue(0);
        var portA = bridge.add(a, PortSpec.access(0));
        assertThat(mirror.state()).isEqualTo(new Mirror.State(false, 1));
        var portP = bridge.add(probe, PortSpec.access(0));
        assertThat(mirror.state()).isEqualTo(new Mirror.State(true, 1));
        assertThat(changes).hasValue(2);
        bridge.change(portA, PortSpec.access(7));
        var frame = Frames.frame(B, A, 60);
        send(portA, frame);
        assertThat(probe.sent()).containsExactly(frame);
        bridge.remove(portP);
        send(portA, frame);
        assertThat(mirror.lost(Loss.NO_DESTINATION)).isEqualTo(1);
        bridge.remove(portA);
        assertThat(mirror.state()).isEqualTo(new Mirror.State(false, 0));
    }

    @Test
    void aDestinationWhoseMemoryIsGoneEndsThePassAndNothingElse() {
        var portA = bridge.add(a, PortSpec.access(0));
        bridge.add(b, PortSpec.access(0));
        bridge.add(probe, PortSpec.access(0));
        mirror(spec(Direction.INGRESS, OptionalInt.of(64), OptionalInt.empty()));
        probe.faulty(true);
        var frame = Frames.frame(B, A, 1000);
        a.arrive(frame);
        assertThatExceptionOfType(InternalError.class).isThrownBy(() -> bridge.pass(portA));
        probe.faulty(false);
        send(portA, frame);
        assertThat(a.borrowed()).isZero();
        assertThat(b.sent()).containsExactly(frame);
        assertThat(probe.sent()).hasSize(1);
    }

    @Test
    void whatContradictsItselfIsRefused() {
        var neither = new MirrorSourceSpec(Optional.empty(), Optional.empty(), Direction.BOTH);
        var spec =
                new MirrorSpec(
                        "lan",
                        List.of(
                                vnic("a.eth0", Direction.INGRESS),
                                vnic("a.eth0", Direction.EGRESS),
                                vnic("probe.eth0", Direction.BOTH),
                                neither),
                        to("probe.eth0", false),
                        OptionalInt.empty(),
                        OptionalInt.empty(),
                        1);
        assertThat(new MirrorKind().validate(Metadata.of("m", "u"), spec))
                .extracting(Violation::pointer)
                .containsExactly("/spec/sources/1", "/spec/sources/2", "/spec/sources/3");
        assertThat(new MirrorKind().validate(Metadata.of("m", "u"), spec(Direction.BOTH)))
                .isEmpty();
    }
}
