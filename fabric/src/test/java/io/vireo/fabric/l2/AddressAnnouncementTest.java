package io.vireo.fabric.l2;

import static io.vireo.fabric.l2.Packets.address4;
import static io.vireo.fabric.l2.Packets.address6;
import static io.vireo.fabric.l2.Packets.arp;
import static io.vireo.fabric.l2.Packets.ethernet;
import static io.vireo.fabric.l2.Packets.ipv6;
import static io.vireo.fabric.l2.Packets.linkLayer;
import static io.vireo.fabric.l2.Packets.neighbor;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.fabric.l2.qos.UplinkScheduler;
import io.vireo.net.PortPolicy;
import io.vireo.net.PortSpec;
import io.vireo.net.QosCounters;
import io.vireo.net.QosSettings;
import io.vireo.net.QosSettings.Rates;
import io.vireo.net.Station;
import io.vireo.net.StationAddress;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.MacAddress;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.AntiSpoofingSpec;
import io.vireo.resource.spec.AntiSpoofingSpec.LinkLocal;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.resource.spec.StormControlSpec;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Which addresses a switch knows to be behind its ports, and what it says of them. */
class AddressAnnouncementTest {
    private static final long A = 0x0200_0000_00A1L;
    private static final long B = 0x0200_0000_00A2L;
    private static final long GATEWAY = 0x0200_0000_00AAL;
    private static final int ARP = 0x0806;
    private static final int IPV6 = 0x86DD;
    private static final int REQUEST = 1;
    private static final int REPLY = 2;
    private static final int SOLICITATION = 135;
    private static final int ADVERTISEMENT = 136;
    private static final int ROUTER_ADVERTISEMENT = 134;
    private static final int ICMPV6 = 58;
    private static final int FOUR = address4(192, 0, 2, 7);
    private static final long SIX_HIGH = 0x2001_0DB8_0000_0000L;
    private static final byte[] SIX = address6(SIX_HIGH, 7);
    private static final byte[] OTHER_SIX = address6(SIX_HIGH, 8);
    private static final byte[] NOBODY = address6(0, 0);
    private static final byte[] ALL_NODES = address6(0xFF02_0000_0000_0000L, 1);
    private static final StationAddress KNOWN_FOUR =
            new StationAddress(false, 0, Integer.toUnsignedLong(FOUR), false);
    private static final StationAddress KNOWN_SIX = new StationAddress(true, SIX_HIGH, 7, false);

    private final Bridge bridge = new Bridge(1500, VlanSet.NONE, 1000, 300);
    private final FramePort a = new FramePort("a", 1500);
    private final FramePort b = new FramePort("b", 1500);
    private final FramePort outside = new FramePort("uplink", 1500);

    @AfterEach
    void close() {
        bridge.close();
    }

    private BridgePort plug(FramePort port, PortSpec spec) {
        return bridge.add(port, spec);
    }

    private void send(BridgePort port, byte[]... frames) {
        for (var frame : frames) {
            ((FramePort) port.port).arrive(frame);
            bridge.pass(port);
        }
    }

    private static byte[] arpFrame(long to, long mac, int operation, int sender, int target) {
        return ethernet(to, mac, ARP, arp(operation, mac, sender, target));
    }

    private static byte[] discovery(long mac, byte[] source, byte[] message) {
        return ethernet(0x3333_0000_0001L, mac, IPV6, ipv6(source, ALL_NODES, ICMPV6, message));
    }

    private static byte[] withFlags(byte[] message, int flags) {
        message[4] = (byte) flags;
        return message;
    }

    private List<StationAddress> known(BridgePort port) {
        return bridge.stationsBehind(port).stream()
                .flatMap(station -> station.addresses().stream())
                .toList();
    }

    private static PortPolicy policy(long mac, String... addresses) {
        var rules =
                new PortPolicySpec(
                        Optional.empty(),
                        Optional.empty(),
                        OptionalInt.empty(),
                        List.of(),
                        Optional.of(
                                new AntiSpoofingSpec(
                                        List.of(),
                                        Stream.of(addresses).map(IpPrefix::parse).toList(),
                                        LinkLocal.ANY)),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        List.of());
        return new PortPolicy(Optional.of(new MacAddress(mac)), rules);
    }

    @Test
    void learnsWhoHasWhichAddress() {
        var port = plug(a, PortSpec.access(0));
        send(
                port,
                arpFrame(Frames.BROADCAST, A, REQUEST, FOUR, address4(192, 0, 2, 1)),
                discovery(A, NOBODY, neighbor(ADVERTISEMENT, SIX, linkLayer(2, A))));
        assertThat(bridge.stationsBehind(port))
                .singleElement()
                .satisfies(station -> {
                    assertThat(station.address()).isEqualTo(new MacAddress(A));
                    assertThat(station.tag()).isZero();
                    assertThat(station.addresses())
                            .containsExactlyInAnyOrder(KNOWN_FOUR, KNOWN_SIX);
                });
    }

    /** One that only ever answers, from host to host, is heard too. */
    @Test
    void learnsFromAnswersAndQuestionsAndTaggedFrames() {
        var peer = plug(b, PortSpec.transparent(true));
        var port = plug(a, PortSpec.trunk(List.of(7), OptionalInt.empty()));
        send(peer, Frames.tagged(Frames.frame(A, B, 60), 7));
        send(
                port,
                Frames.tagged(arpFrame(B, A, REPLY, FOUR, address4(192, 0, 2, 1)), 7),
                Frames.tagged(
                        discovery(A, SIX, neighbor(SOLICITATION, OTHER_SIX, linkLayer(1, A))), 7));
        assertThat(bridge.stationsBehind(port))
                .containsExactly(new Station(new MacAddress(A), 7, List.of(KNOWN_FOUR, KNOWN_SIX)));
    }

    @Test
    void believesNoProbesNoNonsenseAndNoRoutedMessages() {
        var port = plug(a, PortSpec.access(0));
        var foreign = arp(REQUEST, B, FOUR, FOUR);
        var routed = discovery(A, NOBODY, neighbor(ADVERTISEMENT, SIX, linkLayer(2, A)));
        routed[14 + 7] = 64;
        send(
                port,
                arpFrame(Frames.BROADCAST, A, REQUEST, 0, FOUR),
                arpFrame(Frames.BROADCAST, A, REQUEST, address4(224, 0, 0, 1), FOUR),
                arpFrame(Frames.BROADCAST, A, REQUEST, address4(127, 0, 0, 1), FOUR),
                ethernet(Frames.BROADCAST, A, ARP, foreign),
                discovery(A, NOBODY, neighbor(SOLICITATION, SIX)),
                discovery(A, NOBODY, neighbor(ADVERTISEMENT, ALL_NODES)),
                discovery(A, NOBODY, neighbor(ADVERTISEMENT, address6(0, 1))),
                routed);
        assertThat(known(port)).isEmpty();
    }

    @Test
    void whoeverClaimsAnAddressLastHasIt() {
        var one = plug(a, PortSpec.access(0));
        var other = plug(b, PortSpec.access(0));
        var uplink = plug(outside, PortSpec.transparent(true));
        send(one, arpFrame(Frames.BROADCAST, A, REQUEST, FOUR, FOUR));
        send(other, arpFrame(Frames.BROADCAST, B, REQUEST, FOUR, FOUR));
        assertThat(known(one)).isEmpty();
        assertThat(known(other)).containsExactly(KNOWN_FOUR);
        send(uplink, arpFrame(Frames.BROADCAST, GATEWAY, REQUEST, FOUR, FOUR));
        assertThat(known(other)).isEmpty();
        assertThat(known(uplink)).as("what is outside is not kept").isEmpty();
    }

    @Test
    void whatMayNotBeUsedIsNotLearned() {
        var port = plug(a, PortSpec.access(0).with(policy(A, "192.0.2.8", "2001:db8::8/127")));
        send(
                port,
                Frames.frame(Frames.BROADCAST, A, 60),
                arpFrame(Frames.BROADCAST, A, REQUEST, FOUR, FOUR),
                discovery(A, NOBODY, neighbor(ADVERTISEMENT, SIX, linkLayer(2, A))));
        assertThat(known(port))
                .as("listed")
                .containsExactly(
                        new StationAddress(
                                false, 0, Integer.toUnsignedLong(address4(192, 0, 2, 8)), false));
    }

    @Test
    void listedAddressesBelongToTheCardUnlessAnotherClaimsThem() {
        var spec = PortSpec.access(0).with(policy(A, "192.0.2.7", "2001:db8::7", "10.0.0.0/8"));
        var one = plug(a, spec);
        var uplink = plug(outside, PortSpec.transparent(true));
        assertThat(bridge.stationsBehind(one))
                .singleElement()
                .satisfies(station -> {
                    assertThat(station.address()).isEqualTo(new MacAddress(A));
                    assertThat(station.addresses())
                            .containsExactlyInAnyOrder(KNOWN_FOUR, KNOWN_SIX);
                });
        send(uplink, arpFrame(Frames.BROADCAST, GATEWAY, REQUEST, FOUR, FOUR));
        assertThat(known(one)).containsExactly(KNOWN_SIX);
        // Ports come and go: that is not forgotten.
        bridge.remove(plug(b, PortSpec.access(0)));
        assertThat(known(one)).containsExactly(KNOWN_SIX);
        send(one, arpFrame(Frames.BROADCAST, A, REQUEST, FOUR, FOUR));
        assertThat(known(one)).containsExactlyInAnyOrder(KNOWN_FOUR, KNOWN_SIX);
    }

    /** As two hosts that share one by VRRP. */
    @Test
    void anAddressThatIsListedTwiceIsNobodysUntilItIsUsed() {
        var one = plug(a, PortSpec.access(0).with(policy(A, "192.0.2.7")));
        var other = plug(b, PortSpec.access(0).with(policy(B, "192.0.2.7")));
        assertThat(known(one)).isEmpty();
        assertThat(known(other)).isEmpty();
        send(other, arpFrame(Frames.BROADCAST, B, REQUEST, FOUR, FOUR));
        assertThat(known(one)).isEmpty();
        assertThat(known(other)).containsExactly(KNOWN_FOUR);
        bridge.remove(other);
        assertThat(known(one)).containsExactly(KNOWN_FOUR);
    }

    @Test
    void addressesGoWithTheirStation() {
        var port = plug(a, PortSpec.access(0));
        bridge.time(1_000_000_000L);
        send(port, arpFrame(Frames.BROADCAST, A, REQUEST, FOUR, FOUR));
        bridge.time(200_000_000_000L);
        send(port, Frames.frame(Frames.BROADCAST, A, 60));
        bridge.time(400_000_000_000L);
        assertThat(known(port)).containsExactly(KNOWN_FOUR);
        bridge.time(600_000_000_000L);
        assertThat(known(port)).isEmpty();
        bridge.sweep(1000);
        assertThat(bridge.addresses()).isZero();
    }

    @Test
    void aPortHasSoManyAddressesAtMost() {
        var port = plug(a, PortSpec.access(0));
        var other = plug(b, PortSpec.access(0));
        send(other, arpFrame(Frames.BROADCAST, B, REQUEST, FOUR, FOUR));
        for (int i = 0; i < 10_000; i++) {
            int address = address4(10, 0, 0, 0) + i;
            send(port, arpFrame(Frames.BROADCAST, A, REQUEST, address, address));
        }
        assertThat(known(port)).hasSize(NeighborTable.PER_PORT);
        assertThat(known(other)).containsExactly(KNOWN_FOUR);
    }

    @Test
    void announcementsAreByteExact() {
        var port = plug(a, PortSpec.access(0));
        var router = plug(b, PortSpec.trunk(List.of(7), OptionalInt.empty()));
        var uplink = plug(outside, PortSpec.transparent(true));
        send(port, arpFrame(Frames.BROADCAST, A, REQUEST, FOUR, FOUR));
        var message = withFlags(neighbor(ROUTER_ADVERTISEMENT, NOBODY, linkLayer(1, B)), 64);
        send(router, Frames.tagged(discovery(B, SIX, message), 7));
        outside.sent();
        var announcer = new Announcer(uplink);
        announcer.begin(bridge.stationsFor(uplink), bridge.addressesFor(uplink));
        assertThat(announcer.announce()).isFalse();
        announcer.close();
        var reverse =
                "ffffffffffff0200000000a1"
                        + "80350001080006040003"
                        + "0200000000a1000000000200000000a1"
                        + "00".repeat(22);
        var announcement =
                "ffffffffffff0200000000a1"
                        + "08060001080006040001"
                        + "0200000000a1c0000207000000000000c0000207"
                        + "00".repeat(18);
        var reverseTagged =
                "ffffffffffff0200000000a2"
                        + "8100000780350001080006040003"
                        + "0200000000a2000000000200000000a2"
                        + "00".repeat(22);
        // The checksum was computed by another program.
        var advertisement =
                "3333000000010200000000a2"
                        + "8100000786dd"
                        + "6000000000203aff"
                        + "20010db8000000000000000000000007"
                        + "ff020000000000000000000000000001"
                        + "8800787da0000000"
                        + "20010db8000000000000000000000007"
                        + "02010200000000a2";
        assertThat(hex(outside.sent()))
                .containsExactlyInAnyOrder(reverse, announcement, reverseTagged, advertisement);
    }

    private static List<String> hex(List<byte[]> frames) {
        return frames.stream().map(HexFormat.of()::formatHex).toList();
    }

    @Test
    void aStationThatMovedIsAnnouncedWithItsAddressesAsItsNewPolicyAllows() {
        var port = plug(a, PortSpec.access(0));
        plug(outside, PortSpec.transparent(true));
        send(
                port,
                arpFrame(Frames.BROADCAST, A, REQUEST, FOUR, FOUR),
                discovery(A, NOBODY, neighbor(ADVERTISEMENT, SIX, linkLayer(2, A))));
        var stations = bridge.stationsBehind(port);
        bridge.change(port, PortSpec.access(9).with(policy(A, "192.0.2.0/24")));
        assertThat(known(port)).isEmpty();
        outside.sent();
        bridge.announce(port, stations, false);
        var told = hex(outside.sent());
        assertThat(told).hasSize(2);
        assertThat(told.get(0)).startsWith("ffffffffffff0200000000a1810000098035");
        assertThat(told.get(1)).startsWith("ffffffffffff0200000000a1810000090806");
        assertThat(port.counters().receivedDrops().values()).allMatch(count -> count == 0);
        assertThat(known(port)).as("heard of in the new place").containsExactly(KNOWN_FOUR);
    }

    /** A card that may send one frame a second, with a share of the uplink. */
    private BridgePort limited(BridgePort uplink) {
        var storm =
                new PortPolicySpec(
                        Optional.empty(),
                        Optional.empty(),
                        OptionalInt.empty(),
                        List.of(),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(
                                new StormControlSpec(
                                        OptionalInt.of(1),
                                        OptionalInt.of(1),
                                        OptionalInt.of(1),
                                        1)),
                        List.of(),
                        List.of());
        var port = plug(a, PortSpec.access(0).with(new PortPolicy(Optional.empty(), storm)));
        port.ingress =
                BridgePort.with(
                        port.ingress, new RateStage(port, false, new Rates(8, 8, 100, false), 0));
        uplink.egress = BridgePort.with(uplink.egress, new UplinkStage());
        port.qos = new PortQos(port);
        port.qos.change(QosSettings.NONE, new UplinkScheduler(1_000_000_000L, 0), 0);
        return port;
    }

    /** The switch speaks after a move, not the server: what the card may send is left to it. */
    @Test
    void announcementsTakeNothingOfWhatACardMaySend() {
        var uplink = plug(outside, PortSpec.transparent(true));
        var port = limited(uplink);
        var station = new Station(new MacAddress(A), 0, List.of(KNOWN_FOUR, KNOWN_SIX));
        bridge.announce(port, List.of(station), false);
        assertThat(outside.sent()).hasSize(3);
        assertThat(port.counters().receivedDrops().values()).allMatch(count -> count == 0);
        assertThat(port.qosCounters()).isEqualTo(QosCounters.ZERO);

        send(port, Frames.frame(Frames.BROADCAST, A, 60));
        assertThat(outside.sent()).as("its own").hasSize(1);
        assertThat(port.qosCounters().uplinkBytes()).isPositive();
        send(port, Frames.frame(Frames.BROADCAST, A, 60));
        assertThat(outside.sent()).as("beyond its rate").isEmpty();
        bridge.announce(port, List.of(station), false);
        assertThat(outside.sent()).as("whatever the card has sent").hasSize(3);
    }

    /** As often as its front end asks for them: that may be too often. */
    @Test
    void announcementsForAFrontEndStayInTheLimitsOfTheCard() {
        var uplink = plug(outside, PortSpec.transparent(true));
        var port = limited(uplink);
        var station = new Station(new MacAddress(A), 0, List.of(KNOWN_FOUR, KNOWN_SIX));
        for (int i = 0; i < 10; i++) {
            bridge.announce(port, List.of(station), true);
        }
        assertThat(outside.sent()).hasSize(1);
    }
}
