package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.net.DropReason;
import io.vireo.net.PortPolicy;
import io.vireo.net.PortSpec;
import io.vireo.resource.MacAddress;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.AntiSpoofingSpec;
import io.vireo.resource.spec.AntiSpoofingSpec.LinkLocal;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.resource.spec.PortPolicySpec.Isolation;
import io.vireo.resource.spec.StormControlSpec;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a policy does to Ethernet: private VLANs, stations, source addresses, storms. */
class PortPolicyTest {
    private static final long A = 0x5254_0000_000AL;
    private static final long B = 0x5254_0000_000BL;
    private static final long C = 0x5254_0000_000CL;

    private final Bridge bridge = new Bridge(1500, VlanSet.NONE, 1000, 300);
    private final FramePort a = new FramePort("a", 1500);
    private final FramePort b = new FramePort("b", 1500);
    private final FramePort c = new FramePort("c", 1500);

    @AfterEach
    void close() {
        bridge.close();
    }

    private static PortPolicySpec isolation(Isolation kind, String community) {
        return new PortPolicySpec(
                Optional.of(kind),
                community.isEmpty() ? Optional.empty() : Optional.of(community),
                OptionalInt.empty(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                List.of());
    }

    private static PortPolicySpec stations(int limit, Long... bound) {
        return new PortPolicySpec(
                Optional.empty(),
                Optional.empty(),
                limit == 0 ? OptionalInt.empty() : OptionalInt.of(limit),
                List.of(bound).stream().map(MacAddress::new).toList(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                List.of());
    }

    private static PortPolicySpec spoofing(Long... macs) {
        return new PortPolicySpec(
                Optional.empty(),
                Optional.empty(),
                OptionalInt.empty(),
                List.of(),
                Optional.of(
                        new AntiSpoofingSpec(
                                List.of(macs).stream().map(MacAddress::new).toList(),
                                List.of(),
                                LinkLocal.ANY)),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of(),
                List.of());
    }

    private static PortPolicySpec storm(int broadcast, int multicast, int unknown, int burst) {
        return new PortPolicySpec(
                Optional.empty(),
                Optional.empty(),
                OptionalInt.empty(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.of(
                        new StormControlSpec(
                                rate(broadcast), rate(multicast), rate(unknown), burst)),
                List.of(),
                List.of());
    }

    private static OptionalInt rate(int rate) {
        return rate == 0 ? OptionalInt.empty() : OptionalInt.of(rate);
    }

    private static PortSpec card(long mac, PortPolicySpec rules) {
        return PortSpec.access(0).with(new PortPolicy(Optional.of(new MacAddress(mac)), rules));
    }

    private void send(BridgePort from, byte[]... frames) {
        for (var frame : frames) {
            ((FramePort) from.port).arrive(frame);
        }
        while (bridge.pass(from) > 0) {}
    }

    private long dropped(BridgePort port, DropReason reason) {
        return port.counters().receivedDropped(reason);
    }

    @Test
    void isolatedPortsReachTheUplinkOnly() {
        var portA = bridge.add(a, card(A, isolation(Isolation.ISOLATED, "")));
        var portB = bridge.add(b, card(B, isolation(Isolation.ISOLATED, "")));
        var up = bridge.add(c, PortSpec.transparent(true));
        send(portA, Frames.frame(Frames.BROADCAST, A, 60));
        assertThat(b.sent()).isEmpty();
        assertThat(c.sent()).hasSize(1);
        send(up, Frames.frame(Frames.BROADCAST, C, 60));
        assertThat(a.sent()).hasSize(1);
        assertThat(b.sent()).hasSize(1);
        send(portB, Frames.frame(A, B, 60), Frames.frame(C, B, 60));
        assertThat(a.sent()).isEmpty();
        assertThat(c.sent()).hasSize(1);
        assertThat(dropped(portB, DropReason.ISOLATED)).isEqualTo(1);
        send(up, Frames.frame(A, C, 60));
        assertThat(a.sent()).hasSize(1);
    }

    @Test
    void communitiesTalkAmongThemselvesAndWithOpenPorts() {
        var kinds =
                List.of(
                        isolation(Isolation.NONE, ""),
                        isolation(Isolation.ISOLATED, ""),
                        isolation(Isolation.COMMUNITY, "red"),
                        isolation(Isolation.COMMUNITY, "blue"));
        boolean[][] reach = {
            {true, true, true, true},
            {true, false, false, false},
            {true, false, true, false},
            {true, false, false, true}
        };
        for (int i = 0; i < kinds.size(); i++) {
            for (int j = 0; j < kinds.size(); j++) {
                var pair = new Bridge(1500, VlanSet.NONE, 1000, 300);
                var portA = pair.add(a, card(A, kinds.get(i)));
                var portB = pair.add(b, card(B, kinds.get(j)));
                b.arrive(Frames.frame(Frames.BROADCAST, B, 60));
                pair.pass(portB);
                assertThat(a.sent()).as("flood %d to %d", j, i).hasSize(reach[j][i] ? 1 : 0);
                a.arrive(Frames.frame(B, A, 60));
                pair.pass(portA);
                assertThat(b.sent()).as("unicast %d to %d", i, j).hasSize(reach[i][j] ? 1 : 0);
                pair.close();
            }
        }
    }

    @Test
    void aCardSendsFromItsOwnAddressesOnly() {
        var portA = bridge.add(a, card(A, spoofing(C)));
        bridge.add(b, PortSpec.access(0));
        send(
                portA,
                Frames.frame(Frames.BROADCAST, A, 60),
                Frames.frame(Frames.BROADCAST, B, 61),
                Frames.frame(Frames.BROADCAST, A, 62),
                Frames.frame(Frames.BROADCAST, C, 63),
                Frames.tagged(Frames.frame(Frames.BROADCAST, B, 64), 0),
                Frames.frame(Frames.BROADCAST, 0, 65));
        assertThat(b.sent()).extracting(frame -> frame.length).containsExactly(60, 62, 63);
        assertThat(dropped(portA, DropReason.SPOOFED_MAC)).isEqualTo(2);
        assertThat(dropped(portA, DropReason.INVALID)).isEqualTo(1);
        assertThat(bridge.table().size()).isEqualTo(2);
    }

    @Test
    void nobodyElseMayUseABoundAddress() {
        var portA = bridge.add(a, card(A, spoofing()));
        var portB = bridge.add(b, PortSpec.access(0));
        bridge.add(c, PortSpec.access(0));
        send(portB, Frames.frame(Frames.BROADCAST, A, 60));
        assertThat(c.sent()).isEmpty();
        assertThat(dropped(portB, DropReason.MAC_BOUND)).isEqualTo(1);
        send(portB, Frames.frame(A, B, 60));
        assertThat(a.sent()).as("known though it never sent").hasSize(1);
        assertThat(c.sent()).isEmpty();
        assertThatThrownBy(() -> bridge.change(portB, card(B, stations(0, A))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("52:54:00:00:00:0a is bound to a already");
        bridge.remove(portA);
        send(portB, Frames.frame(Frames.BROADCAST, A, 60));
        assertThat(c.sent()).hasSize(1);
    }

    @Test
    void aBindingHoldsInTheVlansOfItsPort() {
        bridge.add(a, PortSpec.access(7).with(new PortPolicy(Optional.empty(), stations(0, C))));
        var trunk = bridge.add(b, PortSpec.transparent(false));
        bridge.add(c, PortSpec.transparent(false));
        send(trunk, Frames.tagged(Frames.frame(Frames.BROADCAST, C, 60), 7));
        assertThat(c.sent()).isEmpty();
        send(trunk, Frames.tagged(Frames.frame(Frames.BROADCAST, C, 60), 8));
        assertThat(c.sent()).hasSize(1);
        send(trunk, Frames.tagged(Frames.frame(C, B, 60), 7));
        assertThat(a.sent()).hasSize(1);
        assertThat(c.sent()).isEmpty();
    }

    @Test
    void stationsBeyondTheLimitOfAPortAreDropped() {
        var portA = bridge.add(a, card(A, stations(2)));
        var portB = bridge.add(b, PortSpec.access(0));
        for (int i = 0; i < 5; i++) {
            send(portA, Frames.frame(Frames.BROADCAST, A + 16 * i, 60));
        }
        assertThat(b.sent()).hasSize(2);
        assertThat(dropped(portA, DropReason.MAC_LIMIT)).isEqualTo(3);
        send(portB, Frames.frame(Frames.BROADCAST, A, 60));
        send(portA, Frames.frame(Frames.BROADCAST, A + 32, 60));
        assertThat(b.sent()).as("one has moved away").hasSize(1);
        send(portA, Frames.frame(Frames.BROADCAST, A, 60));
        assertThat(b.sent()).isEmpty();
        bridge.time(TimeUnit.SECONDS.toNanos(1000));
        for (int i = 5; i < 8; i++) {
            send(portA, Frames.frame(Frames.BROADCAST, A + 16 * i, 60));
        }
        assertThat(b.sent()).as("old ones do not count, though nothing was swept").hasSize(2);
    }

    @Test
    void stormsAreCutToTheirRate() {
        var portA = bridge.add(a, card(A, storm(10, 20, 30, 5)));
        bridge.add(b, PortSpec.access(0));
        long[] to = {Frames.BROADCAST, 0x0100_5E01_0203L, C};
        var reasons =
                List.of(
                        DropReason.STORM_BROADCAST,
                        DropReason.STORM_MULTICAST,
                        DropReason.STORM_UNKNOWN);
        bridge.time(1);
        for (int sort = 0; sort < 3; sort++) {
            for (int i = 0; i < 100; i++) {
                send(portA, Frames.frame(to[sort], A, 60));
            }
            assertThat(b.sent()).as("burst").hasSize(5);
            assertThat(dropped(portA, reasons.get(sort))).isEqualTo(95);
        }
        int[] passed = new int[3];
        for (int ms = 1; ms <= 10_000; ms++) {
            bridge.time(TimeUnit.MILLISECONDS.toNanos(ms));
            for (int sort = 0; sort < 3; sort++) {
                send(portA, Frames.frame(to[sort], A, 60));
                passed[sort] += b.sent().size();
            }
        }
        assertThat(passed[0]).isBetween(99, 106);
        assertThat(passed[1]).isBetween(199, 206);
        assertThat(passed[2]).isBetween(299, 306);
    }

    @Test
    void aKnownStationIsNoStorm() {
        var portA = bridge.add(a, card(A, storm(1, 1, 1, 1)));
        var portB = bridge.add(b, PortSpec.access(0));
        send(portB, Frames.frame(A, B, 60));
        for (int i = 0; i < 100; i++) {
            send(portA, Frames.frame(B, A, 60));
        }
        assertThat(b.sent()).hasSize(100);
    }
}
