package io.vireo.fabric.l2;

import static java.util.Comparator.comparingInt;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.net.DropReason;
import io.vireo.net.Offload;
import io.vireo.net.PortSpec;
import io.vireo.net.PortState;
import io.vireo.net.Station;
import io.vireo.resource.MacAddress;
import io.vireo.resource.VlanSet;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BridgeTest {
    private static final int MTU = 1500;
    private static final int AGE = 300;
    private static final long A = 0x5254_0000_000AL;
    private static final long B = 0x5254_0000_000BL;
    private static final long C = 0x5254_0000_000CL;

    private final Bridge bridge = new Bridge(MTU, VlanSet.NONE, 1000, AGE);
    private final FramePort a = new FramePort("a", MTU);
    private final FramePort b = new FramePort("b", MTU);
    private final FramePort c = new FramePort("c", MTU);

    private BridgePort plug(FramePort port, PortSpec spec) {
        return bridge.add(port, spec);
    }

    private void time(int seconds) {
        bridge.time(TimeUnit.SECONDS.toNanos(seconds));
    }

    private static PortSpec trunk(int nativeVlan, Integer... vlans) {
        return PortSpec.trunk(
                List.of(vlans), nativeVlan < 0 ? OptionalInt.empty() : OptionalInt.of(nativeVlan));
    }

    private void send(BridgePort from, byte[]... frames) {
        for (var frame : frames) {
            ((FramePort) from.port).arrive(frame);
        }
        while (bridge.pass(from) > 0) {}
        assertThat(((FramePort) from.port).borrowed()).isZero();
    }

    @Test
    void floodsTheUnknownAndLearns() {
        var portA = plug(a, PortSpec.access(0));
        var portB = plug(b, PortSpec.access(0));
        plug(c, PortSpec.access(0));
        var first = Frames.frame(B, A, 100);
        send(portA, first);
        assertThat(a.sent()).as("not back to its source").isEmpty();
        assertThat(b.sent()).containsExactly(first);
        assertThat(c.sent()).containsExactly(first);
        var answer = Frames.frame(A, B, 60);
        send(portB, answer);
        assertThat(a.sent()).containsExactly(answer);
        assertThat(c.sent()).isEmpty();
        send(portA, first);
        assertThat(b.sent()).containsExactly(first);
        assertThat(c.sent()).isEmpty();
        assertThat(portA.counters().flooded()).isEqualTo(1);
        assertThat(portB.counters().transmittedBytes()).isEqualTo(200);
        assertThat(portA.counters().receivedFrames()).isEqualTo(2);
    }

    @Test
    void floodsGroupsAndKeepsTheOrder() {
        var portA = plug(a, PortSpec.access(0));
        var portB = plug(b, PortSpec.access(0));
        plug(c, PortSpec.access(0));
        send(portB, Frames.frame(A, B, 60));
        c.sent();
        var one = Frames.frame(B, A, 60);
        var two = Frames.frame(Frames.BROADCAST, A, 61);
        var three = Frames.frame(B, A, 62);
        var four = Frames.frame(0x3333_0000_0001L, A, 63);
        send(portA, one, two, three, four);
        assertThat(b.sent()).containsExactly(one, two, three, four);
        assertThat(c.sent()).containsExactly(two, four);
    }

    @Test
    void forgetsSilentStations() {
        var portA = plug(a, PortSpec.access(0));
        var portB = plug(b, PortSpec.access(0));
        plug(c, PortSpec.access(0));
        time(1);
        send(portB, Frames.frame(A, B, 60));
        c.sent();
        time(1 + AGE);
        send(portA, Frames.frame(B, A, 60));
        assertThat(c.sent()).isEmpty();
        time(2 + AGE);
        send(portA, Frames.frame(B, A, 60));
        assertThat(c.sent()).hasSize(1);
    }

    @Test
    void followsAStationThatMoves() {
        var portA = plug(a, PortSpec.access(0));
        var portB = plug(b, PortSpec.access(0));
        var portC = plug(c, PortSpec.access(0));
        send(portB, Frames.frame(A, B, 60));
        send(portC, Frames.frame(A, B, 60));
        b.sent();
        c.sent();
        send(portA, Frames.frame(B, A, 60));
        assertThat(b.sent()).isEmpty();
        assertThat(c.sent()).hasSize(1);
        // Within one batch too: the station of the second frame is where the frame came from.
        send(portA, Frames.frame(B, A, 60), Frames.frame(C, B, 60), Frames.frame(B, A, 60));
        assertThat(c.sent()).hasSize(2);
        assertThat(portA.counters().receivedDropped(DropReason.FILTERED)).isEqualTo(1);
    }

    /** The addresses of LLDP: nearest bridge, nearest non-TPMR bridge, nearest customer bridge. */
    @Test
    void nobodySpeaksLldpThroughTheSwitch() {
        var guest = plug(a, PortSpec.access(0));
        var trunk = plug(b, trunk(5, 6));
        var uplink = plug(c, PortSpec.transparent(true));
        for (int last : new int[] {0x0E, 0x03, 0x00}) {
            var frame = Frames.frame(0x0180_C200_0000L + last, A, 100);
            Frames.put(frame, 12, 0x88CC);
            send(guest, frame, Frames.tagged(frame, 0));
            send(trunk, frame, Frames.tagged(frame, 6));
            send(uplink, frame, Frames.tagged(frame, 6));
        }
        assertThat(a.sent()).isEmpty();
        assertThat(b.sent()).isEmpty();
        assertThat(c.sent()).isEmpty();
        assertThat(guest.counters().receivedDropped(DropReason.FILTERED)).isEqualTo(6);
        assertThat(trunk.counters().receivedDropped(DropReason.FILTERED)).isEqualTo(6);
        assertThat(uplink.counters().receivedDropped(DropReason.FILTERED)).isEqualTo(6);
    }

    @Test
    void dropsImpossibleSourcesAndReservedDestinations() {
        var portA = plug(a, PortSpec.access(0));
        plug(b, PortSpec.access(0));
        send(portA, Frames.frame(B, 0x0100_5E00_0001L, 60), Frames.frame(B, 0, 60));
        assertThat(b.sent()).isEmpty();
        assertThat(portA.counters().receivedDropped(DropReason.INVALID)).isEqualTo(2);
        assertThat(bridge.table().size()).isZero();
        for (int i = 0; i < 16; i++) {
            send(portA, Frames.frame(0x0180_C200_0000L + i, A, 60));
        }
        assertThat(b.sent()).isEmpty();
        send(portA, Frames.frame(0x0180_C200_0010L, A, 60));
        assertThat(b.sent()).hasSize(1);
        assertThat(portA.counters().receivedDropped(DropReason.FILTERED)).isEqualTo(16);
    }

    @Test
    void uplinksDoNotTalkToEachOther() {
        var up1 = plug(a, PortSpec.transparent(true));
        plug(b, PortSpec.transparent(true));
        var guest = plug(c, PortSpec.access(0));
        send(up1, Frames.frame(Frames.BROADCAST, A, 60));
        assertThat(b.sent()).isEmpty();
        assertThat(c.sent()).hasSize(1);
        send(guest, Frames.frame(Frames.BROADCAST, C, 60));
        assertThat(a.sent()).hasSize(1);
        assertThat(b.sent()).hasSize(1);
    }

    @Test
    void enforcesMtus() {
        var small = new FramePort("small", MTU - 5);
        var portA = plug(a, PortSpec.transparent(false));
        plug(b, PortSpec.transparent(false));
        var portSmall = plug(small, PortSpec.transparent(false));
        send(portA, Frames.frame(Frames.BROADCAST, A, MTU + 14));
        send(portA, Frames.tagged(Frames.frame(Frames.BROADCAST, A, MTU + 14), 5));
        send(portA, Frames.frame(Frames.BROADCAST, A, MTU + 19));
        send(portA, Frames.tagged(Frames.frame(Frames.BROADCAST, A, MTU + 19), 5));
        assertThat(b.sent()).hasSize(2);
        assertThat(small.sent()).isEmpty();
        assertThat(portA.counters().receivedDropped(DropReason.TOO_LONG)).isEqualTo(2);
        assertThat(portSmall.counters().transmittedDropped(DropReason.TOO_LONG)).isEqualTo(2);
    }

    @Test
    void segmentsAreMeasuredNotThePacket() {
        var portA = plug(a, PortSpec.access(0));
        plug(b, PortSpec.access(0));
        a.arrive(Frames.tcp4(B, A, 0x10, 9000), Offload.of(1, Offload.GSO_TCPV4, 54, MTU - 40, 34));
        a.arrive(Frames.tcp4(B, A, 0x10, 9000), Offload.of(1, Offload.GSO_TCPV4, 54, MTU - 39, 34));
        bridge.pass(portA);
        assertThat(b.sent()).hasSize(1);
        assertThat(portA.counters().receivedDropped(DropReason.TOO_LONG)).isEqualTo(1);
    }

    /** A UDP header is shorter than one of TCP, and a guest's own tag is none of the payload. */
    @Test
    void headersOfSegmentsAreMeasuredAsTheyAre() {
        var portA = plug(a, PortSpec.transparent(false));
        plug(b, PortSpec.transparent(false));
        var datagrams = Frames.frame(B, A, 9000);
        a.arrive(datagrams, Offload.of(1, Offload.GSO_UDP_L4, 42, MTU - 28, 34), 6);
        a.arrive(datagrams, Offload.of(1, Offload.GSO_UDP_L4, 42, MTU - 27, 34), 6);
        var twice = Frames.tagged(Frames.tagged(Frames.tcp4(B, A, 0x10, 9000), 7), 5);
        a.arrive(twice, Offload.of(1, Offload.GSO_TCPV4, 62, MTU - 40, 42));
        a.arrive(twice, Offload.of(1, Offload.GSO_TCPV4, 62, MTU - 39, 42));
        bridge.pass(portA);
        assertThat(b.sent()).containsExactly(datagrams, twice);
        assertThat(portA.counters().receivedDropped(DropReason.TOO_LONG)).isEqualTo(2);
    }

    @Test
    void countsWhatAPortCannotTake() {
        var portA = plug(a, PortSpec.access(0));
        var portB = plug(b, PortSpec.access(0));
        b.room(3);
        for (int i = 0; i < 5; i++) {
            a.arrive(Frames.frame(B, A, 60));
        }
        bridge.pass(portA);
        assertThat(portB.counters().transmittedFrames()).isEqualTo(3);
        assertThat(portB.counters().transmittedDropped(DropReason.NO_BUFFER)).isEqualTo(2);
        b.state(PortState.DOWN);
        send(portA, Frames.frame(B, A, 60));
        assertThat(portB.counters().transmittedDropped(DropReason.DOWN)).isEqualTo(1);
    }

    @Test
    void aFaultInOnePortLosesNothingOfTheOthers() {
        var portA = plug(a, PortSpec.access(0));
        plug(b, PortSpec.access(0));
        plug(c, PortSpec.access(0));
        b.faulty(true);
        a.arrive(Frames.frame(Frames.BROADCAST, A, 60));
        assertThatThrownBy(() -> bridge.pass(portA)).isInstanceOf(InternalError.class);
        assertThat(a.borrowed()).as("still borrowed").isEqualTo(1);
        b.faulty(false);
        a.arrive(Frames.frame(Frames.BROADCAST, A, 61));
        assertThat(bridge.pass(portA)).isEqualTo(1);
        assertThat(a.borrowed()).isZero();
        assertThat(b.sent()).hasSize(1);
        assertThat(c.sent()).hasSize(1);
    }

    @Test
    void whatIsFewForItsPortsIsSentTogetherInItsOrder() {
        var portA = plug(a, PortSpec.access(0));
        var portB = plug(b, PortSpec.access(0));
        plug(c, PortSpec.access(0));
        a.arrive(Frames.frame(Frames.BROADCAST, A, 60));
        b.arrive(Frames.frame(A, B, 61));
        b.arrive(Frames.frame(Frames.BROADCAST, B, 62));
        assertThat(bridge.gather(portA)).isEqualTo(1);
        assertThat(c.sent()).isEmpty();
        assertThat(a.borrowed()).isEqualTo(1);
        assertThat(bridge.gather(portB)).isEqualTo(2);
        assertThat(bridge.gather(portB)).as("a port lends once").isZero();
        bridge.finish();
        assertThat(a.borrowed() + b.borrowed()).isZero();
        assertThat(a.sent())
                .containsExactly(Frames.frame(A, B, 61), Frames.frame(Frames.BROADCAST, B, 62));
        assertThat(c.sent())
                .containsExactly(
                        Frames.frame(Frames.BROADCAST, A, 60),
                        Frames.frame(Frames.BROADCAST, B, 62));
        bridge.finish();
        assertThat(c.sent()).isEmpty();
    }

    @Test
    void whatIsManyForItsPortIsSentAtOnce() {
        var portA = plug(a, PortSpec.access(0));
        var portB = plug(b, PortSpec.access(0));
        send(portB, Frames.frame(A, B, 60));
        for (int i = 0; i < 8; i++) {
            a.arrive(Frames.frame(B, A, 60 + i));
        }
        assertThat(bridge.gather(portA)).isEqualTo(8);
        assertThat(b.sent()).hasSize(8);
        assertThat(a.borrowed()).isZero();
    }

    @Test
    void aPortMayGetMoreThanOneBatchOfAPass() {
        var others = new ArrayList<BridgePort>();
        plug(c, PortSpec.access(0));
        for (int i = 0; i < 40; i++) {
            var port = new FramePort("other" + i, MTU);
            others.add(plug(port, PortSpec.access(0)));
            for (int k = 0; k < 2; k++) {
                port.arrive(Frames.frame(Frames.BROADCAST, B + 16 * i, 60 + 2 * i + k));
            }
        }
        others.forEach(bridge::gather);
        assertThat(c.sent()).as("80 frames to 41 ports are few").isEmpty();
        bridge.finish();
        assertThat(c.sent()).hasSize(80).isSortedAccordingTo(comparingInt(frame -> frame.length));
        others.forEach(other -> assertThat(((FramePort) other.port).borrowed()).isZero());
    }

    @Test
    void aPassOfSeveralPortsEndsWhenTheBatchIsFull() {
        var ports = new ArrayList<BridgePort>();
        for (int i = 0; i < 64; i++) {
            ports.add(plug(new FramePort("p" + i, MTU), PortSpec.access(0)));
        }
        for (int i = 0; i < 4; i++) {
            var port = (FramePort) ports.get(i).port;
            for (int k = 0; k < 64; k++) {
                port.arrive(Frames.frame(Frames.BROADCAST, A + 16 * i, 60));
            }
            assertThat(bridge.gather(ports.get(i))).isEqualTo(64);
            assertThat(port.borrowed()).isEqualTo(i < 3 ? 64 : 0);
        }
        for (int i = 0; i < 64; i++) {
            var sent = ((FramePort) ports.get(i).port).sent();
            assertThat(sent).hasSize(i < 4 ? 3 * 64 : 4 * 64);
        }
    }

    @Test
    void aMemoryFaultGivesBackWhatWasGathered() {
        var portA = plug(a, PortSpec.access(0));
        var portB = plug(b, PortSpec.access(0));
        plug(c, PortSpec.access(0));
        a.arrive(Frames.frame(Frames.BROADCAST, A, 60));
        b.arrive(Frames.frame(Frames.BROADCAST, B, 60));
        bridge.gather(portA);
        bridge.gather(portB);
        c.faulty(true);
        assertThatThrownBy(bridge::finish).isInstanceOf(InternalError.class);
        c.faulty(false);
        bridge.finish();
        assertThat(a.borrowed() + b.borrowed()).isZero();
        c.sent();
        a.arrive(Frames.frame(Frames.BROADCAST, A, 61));
        assertThat(bridge.gather(portA)).isEqualTo(1);
        bridge.finish();
        assertThat(c.sent()).containsExactly(Frames.frame(Frames.BROADCAST, A, 61));
    }

    @Test
    void aPortLeavesWithWhatItLentForwarded() {
        var portA = plug(a, PortSpec.access(0));
        plug(b, PortSpec.access(0));
        a.arrive(Frames.frame(Frames.BROADCAST, A, 60));
        bridge.gather(portA);
        bridge.remove(portA);
        assertThat(b.sent()).hasSize(1);
        assertThat(a.borrowed()).isZero();
    }

    @Test
    void aPortThatLeavesIsForgotten() {
        var portA = plug(a, PortSpec.access(0));
        var portB = plug(b, PortSpec.access(0));
        send(portB, Frames.frame(A, B, 60));
        bridge.remove(portB);
        var portC = plug(c, PortSpec.access(0));
        assertThat(portC.slot).as("its slot is used again").isEqualTo(portB.slot);
        send(portA, Frames.frame(B, A, 60));
        assertThat(portA.counters().flooded()).isEqualTo(1);
        assertThat(b.sent()).isEmpty();
    }

    @Test
    void vlansNotAllowedAreRefused() {
        var strict = new Bridge(MTU, VlanSet.parse("10,20"), 1000, AGE);
        assertThatThrownBy(() -> strict.add(a, PortSpec.access(30)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("VLAN 30");
        var up = strict.add(b, PortSpec.transparent(true));
        strict.add(c, PortSpec.access(10));
        b.arrive(Frames.tagged(Frames.frame(Frames.BROADCAST, A, 60), 30));
        b.arrive(Frames.tagged(Frames.frame(Frames.BROADCAST, A, 60), 10));
        strict.pass(up);
        assertThat(c.sent()).containsExactly(Frames.frame(Frames.BROADCAST, A, 60));
        assertThat(up.counters().receivedDropped(DropReason.VLAN)).isEqualTo(1);
    }

    /** Every kind of port to every other, with each kind of frame: IEEE 802.1Q, 6.9 and 8.6. */
    @Test
    void theVlansThatMayCrossChangeUnderThePorts() {
        var uplink = plug(a, PortSpec.transparent(true));
        plug(b, PortSpec.access(7));
        bridge.allow(VlanSet.of(List.of(7)));
        var seven = Frames.tagged(Frames.frame(C, A, 100), 7);
        send(uplink, Frames.tagged(Frames.frame(C, A, 100), 8), seven);
        assertThat(uplink.counters().receivedDropped(DropReason.VLAN)).isEqualTo(1);
        assertThat(b.sent()).hasSize(1);
        assertThatThrownBy(() -> bridge.allow(VlanSet.of(List.of(8))))
                .hasMessageContaining("b: ")
                .hasMessageContaining("VLAN 7");
        send(uplink, seven);
        assertThat(b.sent()).as("as before").hasSize(1);
        bridge.allow(VlanSet.NONE);
        var other = plug(c, PortSpec.access(8));
        bridge.change(other, PortSpec.access(7));
        c.sent();
        send(uplink, Frames.tagged(Frames.frame(B, C, 100), 7));
        assertThat(c.sent()).as("flooded in its new VLAN").hasSize(1);
        send(uplink, Frames.tagged(Frames.frame(C, A, 100), 8));
        assertThat(uplink.counters().receivedDropped(DropReason.VLAN)).isEqualTo(1);
    }

    @Test
    void knowsTheStationsBehindAPort() {
        var port = plug(a, trunk(9, 7));
        var other = plug(b, PortSpec.transparent(true));
        send(port, Frames.frame(B, A, 60), Frames.tagged(Frames.frame(B, C, 60), 7));
        assertThat(bridge.stationsBehind(port))
                .containsExactlyInAnyOrder(
                        new Station(new MacAddress(A), 0), new Station(new MacAddress(C), 7));
        assertThat(bridge.stationsBehind(other)).isEmpty();
        b.sent();
        bridge.announce(port, bridge.stationsBehind(port), false);
        assertThat(b.sent())
                .allSatisfy(frame -> {
                    assertThat(Frames.get(frame, 12)).isEqualTo(0x8100);
                    assertThat(Frames.get(frame, 16)).isEqualTo(0x8035);
                })
                .extracting(frame -> Frames.get(frame, 14))
                .containsExactlyInAnyOrder(7, 9);
        assertThat(port.counters().receivedFrames()).isEqualTo(2);
    }

    @Test
    void vlanMatrix() {
        var untagged = Frames.frame(Frames.BROADCAST, A, 60);
        var in10 = Frames.tagged(untagged, 0xA00A);
        var in20 = Frames.tagged(untagged, 20);
        var none = new byte[0];

        // Sent untagged, with priority only, in VLAN 10 and in VLAN 20; what arrives for each,
        // empty for nothing.
        expect(PortSpec.access(0), PortSpec.access(0), untagged, untagged, none, none);
        expect(PortSpec.access(0), PortSpec.transparent(true), untagged, untagged, none, none);
        expect(PortSpec.access(0), PortSpec.access(10), none, none, none, none);
        expect(PortSpec.access(10), PortSpec.access(10), untagged, untagged, none, none);
        expect(PortSpec.access(10), PortSpec.access(20), none, none, none, none);
        expect(
                PortSpec.access(10),
                trunk(-1, 10, 20),
                Frames.tagged(untagged, 10),
                in10,
                none,
                none);
        expect(PortSpec.access(10), trunk(10, 20), untagged, untagged, none, none);
        expect(
                PortSpec.access(10),
                PortSpec.transparent(true),
                Frames.tagged(untagged, 10),
                in10,
                none,
                none);
        expect(trunk(-1, 10), PortSpec.access(10), none, none, untagged, none);
        expect(trunk(-1, 10), trunk(-1, 10, 20), none, none, in10, none);
        expect(trunk(20, 10), trunk(-1, 10, 20), in20, Frames.tagged(untagged, 0xA014), in10, none);
        expect(trunk(20, 10), PortSpec.access(20), untagged, untagged, none, none);
        expect(PortSpec.transparent(true), PortSpec.access(10), none, none, untagged, none);
        expect(PortSpec.transparent(true), PortSpec.access(0), untagged, untagged, none, none);
        expect(
                PortSpec.transparent(true),
                PortSpec.transparent(false),
                untagged,
                untagged,
                in10,
                in20);
    }

    private void expect(PortSpec from, PortSpec to, byte[]... results) {
        var matrix = new Bridge(MTU, VlanSet.NONE, 1000, AGE);
        var in = matrix.add(a, from);
        matrix.add(b, to);
        var untagged = Frames.frame(Frames.BROADCAST, A, 60);
        var inputs =
                List.of(
                        untagged,
                        Frames.tagged(untagged, 0xA000),
                        Frames.tagged(untagged, 0xA00A),
                        Frames.tagged(untagged, 20));
        for (int i = 0; i < results.length; i++) {
            a.arrive(inputs.get(i));
            matrix.pass(in);
            var got = b.sent();
            if (results[i].length == 0) {
                assertThat(got).as("%s to %s, frame %d", from, to, i).isEmpty();
            } else {
                assertThat(got).as("%s to %s, frame %d", from, to, i).containsExactly(results[i]);
            }
        }
        matrix.close();
    }

    @Test
    void vlansDoNotShareStations() {
        var trunk = plug(a, trunk(-1, 10, 20));
        var ten = plug(b, PortSpec.access(10));
        var twenty = plug(c, PortSpec.access(20));
        send(ten, Frames.frame(A, B, 60));
        send(twenty, Frames.frame(A, B, 60));
        a.sent();
        send(trunk, Frames.tagged(Frames.frame(B, A, 60), 10));
        assertThat(b.sent()).hasSize(1);
        assertThat(c.sent()).isEmpty();
        send(trunk, Frames.tagged(Frames.frame(B, A, 60), 20));
        assertThat(b.sent()).isEmpty();
        assertThat(c.sent()).hasSize(1);
        assertThat(trunk.counters().flooded()).isZero();
    }

    @Test
    void aTagCutShortIsInvalid() {
        var portA = plug(a, PortSpec.transparent(false));
        plug(b, PortSpec.transparent(false));
        var frame = Frames.tagged(Frames.frame(Frames.BROADCAST, A, 14), 10);
        send(portA, java.util.Arrays.copyOf(frame, 16));
        assertThat(b.sent()).isEmpty();
        assertThat(portA.counters().receivedDropped(DropReason.INVALID)).isEqualTo(1);
    }

    /** VLAN hopping: what is under a tag that is taken out would be the tag of another VLAN. */
    @Test
    void aTagThatIsTakenOutBringsNoOtherToLight() {
        var guest = plug(a, PortSpec.access(0));
        var trunk = plug(b, trunk(5, 6));
        plug(c, PortSpec.transparent(true));
        var inner = Frames.tagged(Frames.frame(B, A, 60), 20);
        var service = Frames.tagged(Frames.frame(B, A, 60), 20);
        Frames.put(service, 12, 0x88A8);
        send(guest, Frames.tagged(inner, 0));
        assertThat(c.sent()).isEmpty();
        send(trunk, Frames.tagged(inner, 6));
        assertThat(c.sent()).as("in its own VLAN").containsExactly(Frames.tagged(inner, 6));
        send(guest, Frames.tagged(service, 0));
        assertThat(c.sent()).as("no tag of a VLAN").containsExactly(service);
        bridge.remove(guest);
        var other = plug(a, trunk(6, 7));
        send(trunk, Frames.tagged(inner, 6), Frames.tagged(Frames.frame(B, A, 60), 6));
        assertThat(a.sent()).containsExactly(Frames.frame(B, A, 60));
        assertThat(other.counters().transmittedDropped(DropReason.VLAN)).isEqualTo(1);
    }

    /** Whoever completes a checksum writes it where the sender says. */
    @Test
    void noChecksumIsPutOverAddressesOrATag() {
        var trunk = plug(a, trunk(-1, 6));
        plug(c, PortSpec.transparent(true));
        var frame = Frames.tagged(Frames.frame(B, A, 60), 6);
        for (int start : new int[] {14, 17}) {
            a.arrive(frame, Offload.of(Offload.NEEDS_CHECKSUM, 0, 0, 0, start), 0);
            bridge.pass(trunk);
        }
        assertThat(c.sent()).isEmpty();
        assertThat(trunk.counters().receivedDropped(DropReason.INVALID)).isEqualTo(2);
        a.arrive(frame, Offload.of(Offload.NEEDS_CHECKSUM, 0, 0, 0, 18), 0);
        bridge.pass(trunk);
        assertThat(c.sent()).containsExactly(frame);
        var access = plug(b, PortSpec.access(0));
        b.arrive(Frames.frame(C, A, 60), Offload.of(Offload.NEEDS_CHECKSUM, 0, 0, 0, 0), 6);
        bridge.pass(access);
        assertThat(access.counters().receivedDropped(DropReason.INVALID)).isEqualTo(1);
    }
}
