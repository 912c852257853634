package io.vireo.fabric.l2;

import static io.vireo.fabric.l2.Packets.address4;
import static io.vireo.fabric.l2.Packets.address6;
import static io.vireo.fabric.l2.Packets.arp;
import static io.vireo.fabric.l2.Packets.ethernet;
import static io.vireo.fabric.l2.Packets.extension;
import static io.vireo.fabric.l2.Packets.fragment;
import static io.vireo.fabric.l2.Packets.ipv4;
import static io.vireo.fabric.l2.Packets.ipv6;
import static io.vireo.fabric.l2.Packets.linkLayer;
import static io.vireo.fabric.l2.Packets.neighbor;
import static io.vireo.fabric.l2.Packets.ports;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.ForeignMemory;
import io.vireo.net.DropReason;
import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;
import io.vireo.net.PortPolicy;
import io.vireo.net.PortSpec;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.MacAddress;
import io.vireo.resource.VlanSet;
import io.vireo.resource.spec.AntiSpoofingSpec;
import io.vireo.resource.spec.AntiSpoofingSpec.LinkLocal;
import io.vireo.resource.spec.PortPolicySpec;
import io.vireo.resource.spec.PortPolicySpec.Permission;
import io.vireo.testkit.FramePort;
import io.vireo.testkit.Frames;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** ARP, IPv4, IPv6 and neighbor discovery of a card whose addresses are checked. */
@Tag("endurance")
class AddressGuardTest {
    private static final long A = 0x5254_0000_000AL;
    private static final long B = 0x5254_0000_000BL;
    private static final int MINE = address4(10, 0, 0, 5);
    private static final int IN_PREFIX = address4(192, 168, 7, 99);
    private static final int OTHERS = address4(10, 0, 0, 6);
    private static final byte[] MINE6 = address6(0xFD00_0000_0000_0000L, 5);
    private static final byte[] OTHERS6 = address6(0xFD00_0000_0000_0000L, 6);
    private static final byte[] LINK_LOCAL = address6(0xFE80_0000_0000_0000L, 0x1234);
    private static final byte[] EUI64 = address6(0xFE80_0000_0000_0000L, AddressList.identifier(A));
    private static final byte[] NOBODY6 = address6(0, 0);
    private static final byte[] ALL6 = address6(0xFF02_0000_0000_0000L, 1);

    private final Bridge bridge = new Bridge(9000, VlanSet.NONE, 1000, 300);
    private final FramePort a = new FramePort("a", 9000);
    private final FramePort b = new FramePort("b", 9000);
    private BridgePort portA = plug(LinkLocal.ANY, true, false, false);

    AddressGuardTest() {
        bridge.add(b, PortSpec.transparent(false));
    }

    private BridgePort plug(LinkLocal linkLocal, boolean check, boolean noDhcp, boolean noRouter) {
        if (bridge.ports().stream().anyMatch(port -> port.port == a)) {
            bridge.remove(portA);
        }
        var addresses =
                Stream.of("10.0.0.5", "192.168.0.0/16", "fd00::5", "2001:db8::/32")
                        .map(IpPrefix::parse)
                        .toList();
        var rules =
                new PortPolicySpec(
                        Optional.empty(),
                        Optional.empty(),
                        OptionalInt.empty(),
                        List.of(),
                        check
                                ? Optional.of(new AntiSpoofingSpec(List.of(), addresses, linkLocal))
                                : Optional.empty(),
                        noDhcp ? Optional.of(Permission.DENY) : Optional.empty(),
                        noRouter ? Optional.of(Permission.DENY) : Optional.empty(),
                        Optional.empty(),
                        List.of(),
                        List.of());
        var policy = new PortPolicy(Optional.of(new MacAddress(A)), rules);
        portA = bridge.add(a, PortSpec.transparent(false).with(policy));
        return portA;
    }

    @AfterEach
    void close() {
        bridge.close();
    }

    private @Nullable DropReason send(byte[] frame) {
        return send(frame, 0, 0);
    }

    private @Nullable DropReason send(byte[] frame, long offload, int checksumOffset) {
        var before = portA.counters().receivedDrops();
        a.arrive(frame, offload, checksumOffset);
        bridge.pass(portA);
        var sent = b.sent();
        var after = portA.counters().receivedDrops();
        var reasons =
                DropReason.ofReceived().stream()
                        .filter(reason -> !Objects.equals(after.get(reason), before.get(reason)))
                        .toList();
        assertThat(reasons).hasSize(sent.isEmpty() ? 1 : 0);
        if (sent.isEmpty()) {
            return reasons.getFirst();
        }
        assertThat(sent).containsExactly(frame);
        return null;
    }

    /** Sends untagged and inside a tag; both must end alike. */
    private void expect(@Nullable DropReason reason, byte[] frame) {
        assertThat(send(frame)).isEqualTo(reason);
        assertThat(send(Frames.tagged(frame, 0xA005))).as("tagged").isEqualTo(reason);
    }

    /** Sends a frame whose checksum is to be put at an offset from a start; untagged and tagged. */
    private void expect(@Nullable DropReason reason, byte[] frame, int start, int offset) {
        long offload = Offload.of(Offload.NEEDS_CHECKSUM, 0, 0, 0, start);
        assertThat(send(frame, offload, offset)).isEqualTo(reason);
        assertThat(send(Frames.tagged(frame, 5), Offload.shift(offload, 4), offset))
                .as("tagged")
                .isEqualTo(reason);
    }

    private static byte[] v4(int source, int protocol, byte[] data) {
        return v4(source, protocol, 0, data);
    }

    private static byte[] v4(int source, int protocol, int fragmentation, byte[] data) {
        return ethernet(
                B, A, 0x0800, ipv4(source, address4(10, 0, 0, 1), protocol, fragmentation, data));
    }

    private static byte[] v6(byte[] source, int next, byte[] data) {
        return ethernet(B, A, 0x86DD, ipv6(source, ALL6, next, data));
    }

    @Test
    void sourcesOfIpv4() {
        expect(null, v4(MINE, 6, ports(1, 2)));
        expect(null, v4(IN_PREFIX, 6, ports(1, 2)));
        expect(DropReason.SPOOFED_IP, v4(OTHERS, 6, ports(1, 2)));
        expect(DropReason.SPOOFED_IP, v4(0, 6, ports(1, 2)));
        expect(DropReason.SPOOFED_IP, v4(OTHERS, 17, 0x2000, ports(1, 2)));
        expect(DropReason.SPOOFED_IP, v4(OTHERS, 17, 0x0005, ports(1, 2)));
        expect(null, v4(MINE, 17, 0x0005, ports(1, 2)));
        var bad = v4(MINE, 6, ports(1, 2));
        bad[14] = 0x44;
        expect(DropReason.UNREADABLE, bad);
        bad[14] = 0x65;
        expect(DropReason.UNREADABLE, bad);
        expect(DropReason.UNREADABLE, Arrays.copyOf(v4(MINE, 6, ports(1, 2)), 14 + 19));
    }

    @Test
    void whoHasNoAddressYetMayAskForOne() {
        int all = -1;
        var discover = ipv4(0, all, 17, 0, ports(68, 67));
        expect(null, ethernet(Frames.BROADCAST, A, 0x0800, discover));
        expect(null, ethernet(Frames.BROADCAST, A, 0x0800, ipv4(0, 1, 2, 0, new byte[8])));
        for (var wrong :
                List.of(
                        ipv4(0, all, 17, 0, ports(67, 68)),
                        ipv4(0, OTHERS, 17, 0, ports(68, 67)),
                        ipv4(0, all, 17, 0x2000, ports(68, 67)),
                        ipv4(0, all, 6, 0, ports(68, 67)))) {
            expect(DropReason.SPOOFED_IP, ethernet(Frames.BROADCAST, A, 0x0800, wrong));
        }
    }

    @Test
    void sendersOfArp() {
        expect(null, ethernet(Frames.BROADCAST, A, 0x0806, arp(1, A, MINE, OTHERS)));
        expect(null, ethernet(B, A, 0x0806, arp(2, A, IN_PREFIX, OTHERS)));
        expect(null, ethernet(Frames.BROADCAST, A, 0x0806, arp(1, A, 0, MINE)));
        expect(null, ethernet(Frames.BROADCAST, A, 0x8035, arp(3, A, 0, 0)));
        expect(DropReason.SPOOFED_ARP, ethernet(B, A, 0x0806, arp(2, A, 0, OTHERS)));
        expect(DropReason.SPOOFED_ARP, ethernet(B, A, 0x0806, arp(2, A, OTHERS, MINE)));
        expect(DropReason.SPOOFED_ARP, ethernet(B, A, 0x0806, arp(1, B, MINE, OTHERS)));
        var otherTypes = arp(1, A, MINE, OTHERS);
        otherTypes[4] = 8;
        expect(DropReason.SPOOFED_ARP, ethernet(B, A, 0x0806, otherTypes));
        var cut = Arrays.copyOf(ethernet(B, A, 0x0806, arp(1, A, MINE, OTHERS)), 14 + 27);
        expect(DropReason.UNREADABLE, cut);
    }

    @Test
    void sourcesOfIpv6() {
        expect(null, v6(MINE6, 6, ports(1, 2)));
        expect(null, v6(address6(0x2001_0DB8_1234_0000L, 77), 6, ports(1, 2)));
        expect(null, v6(LINK_LOCAL, 6, ports(1, 2)));
        expect(DropReason.SPOOFED_IP, v6(OTHERS6, 6, ports(1, 2)));
        expect(DropReason.SPOOFED_IP, v6(NOBODY6, 6, ports(1, 2)));
        expect(DropReason.SPOOFED_IP, v6(address6(0xFE80_0000_0000_0001L, 5), 6, ports(1, 2)));
        expect(DropReason.UNREADABLE, Arrays.copyOf(v6(MINE6, 59, new byte[0]), 14 + 39));
        plug(LinkLocal.EUI64, true, false, false);
        expect(DropReason.SPOOFED_IP, v6(LINK_LOCAL, 6, ports(1, 2)));
        expect(null, v6(EUI64, 6, ports(1, 2)));
        plug(LinkLocal.NONE, true, false, false);
        expect(DropReason.SPOOFED_IP, v6(EUI64, 6, ports(1, 2)));
    }

    @Test
    void theInterfaceIdentifierIsThatOfRfc4291() {
        assertThat(AddressList.identifier(0x3456_789A_BCDEL)).isEqualTo(0x3656_78FF_FE9A_BCDEL);
    }

    @Test
    void neighborDiscovery() {
        expect(null, v6(MINE6, 58, neighbor(135, OTHERS6, linkLayer(1, A))));
        expect(null, v6(MINE6, 58, neighbor(135, OTHERS6)));
        expect(DropReason.SPOOFED_ND, v6(MINE6, 58, neighbor(135, OTHERS6, linkLayer(1, B))));
        expect(null, v6(NOBODY6, 58, neighbor(135, MINE6)));
        expect(null, v6(NOBODY6, 58, neighbor(135, LINK_LOCAL)));
        expect(DropReason.SPOOFED_ND, v6(NOBODY6, 58, neighbor(135, OTHERS6)));
        expect(null, v6(MINE6, 58, neighbor(136, MINE6, linkLayer(2, A))));
        expect(DropReason.SPOOFED_ND, v6(MINE6, 58, neighbor(136, OTHERS6, linkLayer(2, A))));
        expect(DropReason.SPOOFED_ND, v6(MINE6, 58, neighbor(136, MINE6, linkLayer(2, B))));
        expect(DropReason.SPOOFED_IP, v6(NOBODY6, 58, neighbor(136, MINE6, linkLayer(2, A))));
        var nonce = new byte[] {14, 1, 1, 2, 3, 4, 5, 6};
        expect(
                DropReason.SPOOFED_ND,
                v6(MINE6, 58, neighbor(136, MINE6, nonce, nonce, nonce, linkLayer(2, B))));
        var endless = new byte[] {14, 0, 0, 0, 0, 0, 0, 0};
        expect(DropReason.UNREADABLE, v6(MINE6, 58, neighbor(136, MINE6, endless)));
        var large = new byte[80];
        large[0] = 14;
        large[1] = 10;
        expect(DropReason.UNREADABLE, v6(MINE6, 58, neighbor(136, MINE6, large, linkLayer(2, A))));
        expect(null, v6(NOBODY6, 58, neighbor(133, new byte[0])));
        expect(DropReason.SPOOFED_ND, v6(MINE6, 58, neighbor(133, new byte[0], linkLayer(1, B))));
    }

    @Test
    void extensionHeadersDoNotHideIt() {
        var spoofed = neighbor(136, OTHERS6);
        expect(DropReason.SPOOFED_ND, v6(MINE6, 0, extension(58, 1, spoofed)));
        expect(DropReason.SPOOFED_ND, v6(MINE6, 60, extension(43, 1, extension(58, 1, spoofed))));
        expect(DropReason.UNREADABLE, v6(MINE6, 0, extension(58, 10, spoofed)));
        expect(DropReason.UNREADABLE, v6(MINE6, 44, fragment(58, 0, true, spoofed)));
        expect(DropReason.UNREADABLE, v6(MINE6, 44, fragment(58, 0, false, spoofed)));
        expect(DropReason.UNREADABLE, v6(MINE6, 44, fragment(0, 0, true, new byte[] {58, 0})));
        expect(null, v6(MINE6, 44, fragment(58, 3, false, spoofed)));
        expect(DropReason.SPOOFED_IP, v6(OTHERS6, 44, fragment(58, 3, false, spoofed)));
        var authentication = new byte[24 + spoofed.length];
        authentication[0] = 58;
        authentication[1] = 4;
        System.arraycopy(spoofed, 0, authentication, 24, spoofed.length);
        expect(DropReason.SPOOFED_ND, v6(MINE6, 51, authentication));
    }

    /** What stands behind a packet in its frame is no part of it: the receiver does not see it. */
    @Test
    void headersDoNotLieBehindTheEndOfThePacket() {
        var part = ipv6(MINE6, ALL6, 44, fragment(60, 0, true, extension(58, 1, new byte[0])));
        var ping = new byte[] {(byte) 128, 0, 0, 0};
        expect(DropReason.UNREADABLE, ethernet(B, A, 0x86DD, join(part, ping)));
        plug(LinkLocal.ANY, false, false, true);
        expect(DropReason.UNREADABLE, ethernet(B, A, 0x86DD, join(part, ping)));
        plug(LinkLocal.ANY, false, true, false);
        var more = ipv4(MINE, -1, 17, 0x2000, new byte[0]);
        expect(DropReason.UNREADABLE, ethernet(B, A, 0x0800, join(more, ports(1, 2))));
        var nothing = ipv6(MINE6, ALL6, 58, new byte[0]);
        expect(DropReason.UNREADABLE, ethernet(B, A, 0x86DD, join(nothing, ping)));
        var noHeader = ipv4(MINE, -1, 6, 0, ports(1, 2));
        noHeader[3] = 19;
        expect(DropReason.UNREADABLE, ethernet(B, A, 0x0800, noHeader));
    }

    /** Some senders leave the length of a large packet to who cuts it. */
    @Test
    void aPacketThatIsCutLaterMayHaveNoLengthYet() {
        long four = Offload.of(Offload.NEEDS_CHECKSUM, Offload.GSO_TCPV4, 54, 1000, 34);
        var large = v4(MINE, 6, join(ports(1, 2), new byte[3000]));
        large[16] = 0;
        large[17] = 0;
        assertThat(send(large, four, 16)).isNull();
        assertThat(send(large)).isEqualTo(DropReason.UNREADABLE);
    }

    /** Behind a hop-by-hop header receivers take a length of 0 for that of the frame. */
    @Test
    void optionsAreLookedAtWhereAPacketHasNoLengthYet() {
        long cut = Offload.of(Offload.NEEDS_CHECKSUM, Offload.GSO_TCPV6, 82, 1000, 62);
        for (long other : new long[] {A, B}) {
            var message = neighbor(136, MINE6, linkLayer(2, other));
            var frame = v6(MINE6, 0, extension(58, 1, message));
            frame[18] = 0;
            frame[19] = 0;
            assertThat(send(frame, cut, 2)).isEqualTo(other == A ? null : DropReason.SPOOFED_ND);
        }
    }

    private static byte[] join(byte[] one, byte[] other) {
        var all = Arrays.copyOf(one, one.length + other.length);
        System.arraycopy(other, 0, all, one.length, other.length);
        return all;
    }

    /** A checksum that is left to do is written after the check. */
    @Test
    void checksumsAreNotPutOverWhatWasChecked() {
        var segment = ports(1, 2);
        expect(null, v4(MINE, 6, segment), 34, 16);
        expect(null, v4(MINE, 17, segment), 34, 6);
        expect(null, v6(MINE6, 6, segment), 54, 16);
        expect(null, v6(MINE6, 60, extension(17, 1, segment)), 62, 6);
        expect(null, v4(MINE, 17, join(segment, new byte[60])), 34 + 8 + 30, 16);
        expect(null, v4(MINE, 47, join(segment, new byte[60])), 34 + 4 + 20, 16);
        // The source address of IPv4, ports, flags and options of TCP.
        expect(DropReason.UNREADABLE, v4(MINE, 6, segment), 14, 12);
        expect(DropReason.UNREADABLE, v4(MINE, 6, segment), 34, 2);
        expect(DropReason.UNREADABLE, v4(MINE, 6, segment), 34, 12);
        expect(DropReason.UNREADABLE, v4(MINE, 17, segment), 34, 2);
        expect(DropReason.UNREADABLE, v4(MINE, 17, segment), 30, 4);
        expect(DropReason.UNREADABLE, v4(MINE, 17, 0x0005, segment), 34, 6);
        expect(DropReason.UNREADABLE, v6(MINE6, 17, segment), 14, 8);
        expect(DropReason.UNREADABLE, v6(MINE6, 60, extension(17, 1, segment)), 54, 2);
        var advertisement = v6(MINE6, 58, neighbor(136, MINE6, linkLayer(2, A)));
        expect(DropReason.UNREADABLE, advertisement, 54, 8 + 14);
        expect(null, advertisement, 54, 2);
        expect(DropReason.UNREADABLE, ethernet(B, A, 0x0806, arp(2, A, MINE, OTHERS)), 14, 14);
        expect(null, Frames.frame(B, A, 80), 34, 16);
        plug(LinkLocal.ANY, false, true, false);
        expect(DropReason.UNREADABLE, v4(MINE, 17, segment), 34, 2);
    }

    @Test
    void ipInWrappersIsNotLetThrough() {
        var inner = Frames.tagged(v4(OTHERS, 6, ports(1, 2)), 9);
        assertThat(send(Frames.tagged(inner, 5))).isEqualTo(DropReason.UNREADABLE);
        var service = v4(OTHERS, 6, ports(1, 2));
        expect(DropReason.UNREADABLE, ethernet(B, A, 0x88A8, service));
        var snap = new byte[60];
        snap[0] = (byte) 0xAA;
        snap[1] = (byte) 0xAA;
        expect(DropReason.UNREADABLE, ethernet(B, A, 60, snap));
        snap[1] = (byte) 0xAB;
        expect(DropReason.UNREADABLE, ethernet(B, A, 60, snap));
        expect(null, ethernet(B, A, 60, new byte[60]));
        expect(null, Frames.frame(B, A, 60));
    }

    @Test
    void serversAndRoutersMayBeForbidden() {
        var offer = ethernet(B, A, 0x0800, ipv4(MINE, -1, 17, 0, ports(67, 68)));
        var advertisement = v6(LINK_LOCAL, 58, neighbor(134, new byte[8]));
        var redirect = v6(LINK_LOCAL, 58, neighbor(137, new byte[32]));
        var reply = v6(LINK_LOCAL, 17, ports(547, 546));
        for (var frame : List.of(offer, advertisement, redirect, reply)) {
            expect(null, frame);
        }
        plug(LinkLocal.ANY, false, true, true);
        expect(DropReason.DHCP_SERVER, offer);
        expect(DropReason.DHCP_SERVER, reply);
        expect(DropReason.ROUTER_ADVERTISEMENT, advertisement);
        expect(DropReason.ROUTER_ADVERTISEMENT, redirect);
        expect(null, v4(OTHERS, 17, ports(68, 67)));
        expect(null, ethernet(B, A, 0x0806, arp(2, B, OTHERS, OTHERS)));
        expect(null, v6(OTHERS6, 58, neighbor(136, OTHERS6, linkLayer(2, B))));
    }

    /** The bytes after the first 64 are checked too: changing them afterwards is of no use. */
    @Test
    void whatIsCheckedIsWhatIsSent() {
        var frame = v6(MINE6, 58, neighbor(136, MINE6, linkLayer(2, A)));
        long[] rest = new long[1];
        portA.ingress =
                BridgePort.with(
                        portA.ingress,
                        look(
                                PortStage.Place.FIRST_LOOK,
                                batch -> {
                                    rest[0] = batch.rangeAddress[batch.firstRange[0]];
                                }));
        portA.ingress =
                BridgePort.with(
                        portA.ingress,
                        look(
                                PortStage.Place.LAST_LOOK,
                                _ -> {
                                    for (int i = 0; i < frame.length - FrameBatch.SNAPSHOT; i++) {
                                        ForeignMemory.putByte(rest[0] + i, (byte) 0xEE);
                                    }
                                }));
        a.arrive(frame);
        bridge.pass(portA);
        assertThat(b.sent()).containsExactly(frame);
    }

    private static PortStage look(
            PortStage.Place place, java.util.function.Consumer<FrameBatch> action) {
        return new PortStage() {
            @Override
            public Place place() {
                return place;
            }

            @Override
            public int apply(Pass pass, int[] index, int count) {
                action.accept(pass.batch);
                return count;
            }
        };
    }

    /** Random frames, nearly right, against a check that takes its time. */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5})
    void agreesWithASimpleCheck(long number) {
        long seed = Long.getLong("vireo.seed", number);
        System.out.println("seed " + seed);
        var random = new Random(seed);
        for (int i = 0; i < 4000; i++) {
            var frame = randomFrame(random);
            boolean passes = send(frame) == null;
            assertThat(passes)
                    .as("seed %d, frame %d: %s", seed, i, Arrays.toString(frame))
                    .isEqualTo(SpoofingOracle.allows(frame));
        }
    }

    private static byte[] randomFrame(Random random) {
        int ip = List.of(MINE, IN_PREFIX, OTHERS, 0).get(random.nextInt(4));
        var ip6 = List.of(MINE6, OTHERS6, LINK_LOCAL, NOBODY6).get(random.nextInt(4));
        long mac = random.nextInt(4) == 0 ? B : A;
        var target = random.nextBoolean() ? MINE6 : OTHERS6;
        var option = linkLayer(1 + random.nextInt(2), mac);
        byte[] frame =
                switch (random.nextInt(5)) {
                    case 0 -> ethernet(B, A, 0x0806, arp(1 + random.nextInt(2), mac, ip, OTHERS));
                    case 1 -> {
                        int fragmentation = List.of(0, 0, 0x2000, 3).get(random.nextInt(4));
                        var data = ports(67 + random.nextInt(2), 67 + random.nextInt(2));
                        int[] protocols = {1, 2, 6, 17};
                        int to = random.nextBoolean() ? -1 : OTHERS;
                        yield ethernet(
                                B,
                                A,
                                0x0800,
                                ipv4(
                                        ip,
                                        to,
                                        protocols[random.nextInt(4)],
                                        fragmentation,
                                        new byte[4 * random.nextInt(11)],
                                        data));
                    }
                    case 2 -> v6(ip6, 6, ports(1, 2));
                    case 3 ->
                            v6(ip6, 58, neighbor(130 + random.nextInt(14), target, option, option));
                    default -> {
                        int units = 1 + random.nextInt(10);
                        var message = neighbor(133 + random.nextInt(5), target, option);
                        yield v6(ip6, 60, extension(58, units, message));
                    }
                };
        if (random.nextInt(4) == 0) {
            int cut = 14 + random.nextInt(frame.length - 14);
            frame = Arrays.copyOf(frame, Math.max(cut, 14));
        }
        if (random.nextInt(4) == 0 && frame.length > 14) {
            frame[14 + random.nextInt(frame.length - 14)] = (byte) random.nextInt();
        }
        return random.nextBoolean() ? frame : Frames.tagged(frame, random.nextInt(1, 4095));
    }
}
