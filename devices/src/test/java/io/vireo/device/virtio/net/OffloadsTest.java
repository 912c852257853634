package io.vireo.device.virtio.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;
import io.vireo.testkit.Frames;
import io.vireo.testkit.NetDriver;
import io.vireo.virtqueue.Virtqueue;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Checksums and segmentation that the sender left to do. */
@ParameterizedClass
@ValueSource(longs = {0, Virtqueue.RING_PACKED})
class OffloadsTest extends TwoCards {
    private final long modern;

    OffloadsTest(long ring) {
        modern = Virtqueue.VERSION_1 | ring;
    }

    @Test
    void offloadsPassThroughWhereBothTookThem() {
        try (var from = new NetDriver(a, 64, modern | HOST_ALL);
                var to = new NetDriver(b, 64, modern | NetDriver.MRG_RXBUF | GUEST_ALL)) {
            to.post(64, 1600);
            var frame = Frames.tcp4(B, A, 0x10, 20_000);
            long offload = Offload.of(1, Offload.GSO_TCPV4 | Offload.GSO_ECN, 54, MSS, 34);
            from.send(frame, offload, TCP_CHECKSUM);
            wire.carry(a, b);
            var got = to.received().getFirst();
            assertThat(got.frame()).isEqualTo(frame);
            var expected = to.header(offload, TCP_CHECKSUM);
            expected[10] = (byte) got.buffers();
            assertThat(got.header()).isEqualTo(expected);
        }
    }

    @Test
    void tagsMoveTheChecksum() {
        try (var from = new NetDriver(a, 64, modern | HOST_ALL);
                var to = new NetDriver(b, 64, modern | NetDriver.MRG_RXBUF | GUEST_ALL)) {
            to.post(64, 1600);
            var frame = Frames.tcp4(B, A, 0x10, 3000);
            from.send(frame, Offload.of(1, Offload.GSO_TCPV4, 54, MSS, 34), TCP_CHECKSUM);
            assertThat(wire.carry(a, b, FrameBatch.VLAN_PUSH, 42)).isEqualTo(1);
            var got = to.received().getFirst();
            assertThat(got.frame()).isEqualTo(Frames.tagged(frame, 42));
            var expected = to.header(Offload.of(1, Offload.GSO_TCPV4, 58, MSS, 38), TCP_CHECKSUM);
            expected[10] = 2;
            assertThat(got.header()).isEqualTo(expected);

            from.send(got.frame(), Offload.of(1, Offload.GSO_TCPV4, 58, MSS, 38), TCP_CHECKSUM);
            assertThat(wire.carry(a, b, FrameBatch.VLAN_POP, 0)).isEqualTo(1);
            var back = to.received().getFirst();
            assertThat(back.frame()).isEqualTo(frame);
            assertThat(Arrays.copyOf(back.header(), 8))
                    .isEqualTo(
                            Arrays.copyOf(
                                    to.header(Offload.of(1, Offload.GSO_TCPV4, 54, MSS, 34), 0),
                                    8));
        }
    }

    @Test
    void checksumsAreCompletedForWhoDoesNotTakeThem() {
        try (var from = new NetDriver(a, 64, modern | HOST_ALL);
                var to = new NetDriver(b, 64, modern)) {
            to.post(64, 1600);
            var right = Frames.tcp4(B, A, 0x18, 777);
            from.send(withPseudoHeaderSum(right, 26, 8, 34), Offload.of(1, 0, 0, 0, 34), 16);
            assertThat(wire.carry(a, b)).isEqualTo(1);
            var got = to.received().getFirst();
            assertThat(got.frame()).isEqualTo(right);
            assertThat(got.header()).containsExactly(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0);
            assertThat(b.statistics().get(NetStatistics.RX_CONVERTED)).isEqualTo(1);
        }
    }

    /** As a sender leaves it: the field holds the sum of the pseudo-header only. */
    private static byte[] withPseudoHeaderSum(byte[] frame, int addresses, int length, int tcp) {
        var copy = frame.clone();
        int sum = Frames.sum(frame, addresses, length) + 6 + frame.length - tcp;
        while (sum >>> 16 != 0) {
            sum = (sum & 0xFFFF) + (sum >>> 16);
        }
        Frames.put(copy, tcp + 16, sum);
        return copy;
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void packetsAreCutForWhoDoesNotTakeThem(boolean ipv6) {
        try (var from = new NetDriver(a, 64, modern | HOST_ALL);
                var to = new NetDriver(b, 256, modern | NetFeatures.GUEST_CSUM)) {
            to.post(200, 1600);
            int payload = 60_000;
            // CWR, PSH, FIN, ACK
            var packet = ipv6 ? Frames.tcp6(B, A, 0x99, payload) : Frames.tcp4(B, A, 0x99, payload);
            int tcp = ipv6 ? 54 : 34;
            int type = ipv6 ? Offload.GSO_TCPV6 : Offload.GSO_TCPV4;
            from.send(packet, Offload.of(1, type, tcp + 20, MSS, tcp), TCP_CHECKSUM);
            assertThat(wire.carry(a, b)).isEqualTo(1);
            var got = to.received();
            assertThat(got).hasSize((payload + MSS - 1) / MSS);
            int done = 0;
            for (int i = 0; i < got.size(); i++) {
                var segment = got.get(i).frame();
                boolean last = i == got.size() - 1;
                int size = segment.length - tcp - 20;
                assertThat(size).isEqualTo(last ? payload - done : MSS);
                assertThat(Arrays.copyOfRange(segment, tcp + 20, segment.length))
                        .isEqualTo(
                                Arrays.copyOfRange(
                                        packet, tcp + 20 + done, tcp + 20 + done + size));
                int flags = 0x10 | (i == 0 ? 0x80 : 0) | (last ? 0x09 : 0);
                assertThat(segment[tcp + 13]).isEqualTo((byte) flags);
                int sequence = Frames.get(segment, tcp + 4) << 16 | Frames.get(segment, tcp + 6);
                assertThat(sequence).isEqualTo(0xFFFFF000 + done);
                checkNetworkHeader(segment, ipv6, i);
                done += size;
            }
        }
    }

    private static void checkNetworkHeader(byte[] segment, boolean ipv6, int number) {
        if (ipv6) {
            assertThat(Frames.get(segment, 18)).isEqualTo(segment.length - 54);
        } else {
            assertThat(Frames.get(segment, 16)).isEqualTo(segment.length - 14);
            assertThat(Frames.get(segment, 18)).isEqualTo(0x1234 + number);
            assertThat(Frames.checksum(segment, 14, 20, 0)).isZero();
        }
        int tcp = ipv6 ? 54 : 34;
        int addresses = ipv6 ? Frames.sum(segment, 22, 32) : Frames.sum(segment, 26, 8);
        assertThat(
                        Frames.checksum(
                                segment,
                                tcp,
                                segment.length - tcp,
                                addresses + 6 + segment.length - tcp))
                .isZero();
    }

    @Test
    void packetsThatCannotBeCutAreDropped() {
        try (var from = new NetDriver(a, 64, modern | HOST_ALL);
                var to = new NetDriver(b, 64, modern)) {
            to.post(64, 1600);
            var frame = Frames.tcp4(B, A, 0x10, 2000);
            from.send(frame, Offload.of(1, Offload.GSO_TCPV4, 54, MSS, 38), TCP_CHECKSUM);
            from.send(frame, Offload.of(1, Offload.GSO_TCPV6, 54, MSS, 34), TCP_CHECKSUM);
            var wrong = frame.clone();
            wrong[34 + 12] = (byte) 0xF0;
            from.send(
                    Arrays.copyOf(wrong, 90),
                    Offload.of(1, Offload.GSO_TCPV4, 54, MSS, 34),
                    TCP_CHECKSUM);
            assertThat(wire.carry(a, b)).isZero();
            assertThat(from.completed()).isEqualTo(3);
            assertThat(b.statistics().get(NetStatistics.RX_NOT_CONVERTIBLE)).isEqualTo(3);
            assertThat(to.received()).isEmpty();
        }
    }

    @Test
    void anUplinksNewsOfGoodChecksumsReachesOnlyWhoAskedForIt() {
        try (var plain = new NetDriver(a, 64, modern);
                var to = new NetDriver(b, 64, modern | GUEST_ALL)) {
            plain.post(4, 1600);
            to.post(4, 1600);
            var batch = wire.batch();
            Frames.append(batch, Frames.frame(B, A, 60), 0);
            batch.offload[0] = Offload.DATA_VALID;
            assertThat(b.transmit(batch, new int[] {0}, 1)).isEqualTo(1);
            assertThat(a.transmit(batch, new int[] {0}, 1)).isEqualTo(1);
            a.flush();
            b.flush();
            assertThat(to.received().getFirst().header()[0]).isEqualTo((byte) 2);
            assertThat(plain.received().getFirst().header()[0]).isEqualTo((byte) 0);
        }
    }
}
