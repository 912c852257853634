package io.vireo.device.virtio.net;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.net.Offload;
import io.vireo.testkit.Frames;
import io.vireo.testkit.NetDriver;
import io.vireo.virtqueue.Virtqueue;
import java.nio.ByteBuffer;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Large packets that do not begin with one Ethernet and one IP header. */
class SegmentationTest extends TwoCards {
    private static final long SENDS = Virtqueue.VERSION_1 | HOST_ALL;
    private static final int MSS = 1400;
    private static final int PAYLOAD = 9999;
    private static final int SEGMENTS = 8;
    private static final int ETHERNET = 14;
    private static final int IPV6 = 40;
    private static final int TCP = 6;
    private static final int TCP_HEADER = 20;
    private static final int ACK = 0x10;

    /** What a receiver without offloads gets of a packet. */
    private List<byte[]> cut(byte[] packet, int type, int tcp) {
        try (var from = new NetDriver(a, 64, SENDS);
                var to = new NetDriver(b, 64, Virtqueue.VERSION_1)) {
            to.post(32, 1600);
            from.send(packet, Offload.of(1, type, tcp + TCP_HEADER, MSS, tcp), TCP_CHECKSUM);
            wire.carry(a, b);
            assertThat(from.completed()).isEqualTo(1);
            var frames = to.received().stream().map(NetDriver.Received::frame).toList();
            from.stop(false);
            to.stop(true);
            return frames;
        }
    }

    @ParameterizedTest
    @CsvSource({"false, 1", "true, 1", "false, 2", "true, 2"})
    void behindTags(boolean ipv6, int tags) {
        var packet = ipv6 ? Frames.tcp6(B, A, ACK, PAYLOAD) : Frames.tcp4(B, A, ACK, PAYLOAD);
        int type = ipv6 ? Offload.GSO_TCPV6 : Offload.GSO_TCPV4;
        int tcp = ETHERNET + (ipv6 ? IPV6 : 20);
        var plain = cut(packet, type, tcp);
        assertThat(plain).hasSize(SEGMENTS);
        var expected = plain.stream().map(segment -> tagged(segment, tags)).toList();
        assertThat(cut(tagged(packet, tags), type, tcp + 4 * tags))
                .usingElementComparator(java.util.Arrays::compare)
                .isEqualTo(expected);
    }

    private static byte[] tagged(byte[] frame, int tags) {
        var all = frame;
        for (int i = 0; i < tags; i++) {
            all = Frames.tagged(all, 5 + i);
        }
        return all;
    }

    /** Hop-by-hop, destination options, and a routing header that has been followed to its end. */
    @ParameterizedTest
    @ValueSource(ints = {0, 60, 43})
    void behindExtensionHeaders(int extension) {
        var packet = extended(extension, new byte[] {TCP, 0, 1, 0, 0, 0, 0, 0});
        // A routing header's fourth byte is the number of segments that are left.
        checkAll(cut(packet, Offload.GSO_TCPV6, ETHERNET + IPV6 + 8), 8);
    }

    /** The pseudo-header has the final destination (RFC 8200, 8.1). */
    @Test
    void onTheWayToAnotherDestination() {
        var routing = ByteBuffer.allocate(24);
        routing.put(new byte[] {TCP, 2, 4, 1, 0, 0, 0, 0});
        routing.putLong(0xFD00_0000_0000_0000L).putLong(0x1234_5678L);
        var packet = extended(43, routing.array());
        int tcp = ETHERNET + IPV6 + 24;
        int sum = Frames.sum(packet, 22, 16) + Frames.sum(packet, ETHERNET + IPV6 + 8, 16);
        Frames.put(packet, tcp + TCP_CHECKSUM, fold(sum + TCP + TCP_HEADER + PAYLOAD));
        checkAll(cut(packet, Offload.GSO_TCPV6, tcp), 24);
    }

    @Test
    void whatIsNotThereIsDropped() {
        var options = new byte[] {TCP, 0, 1, 0, 0, 0, 0, 0};
        int tcp = ETHERNET + IPV6 + 8;
        // A fragment, an unknown header, one that says that it is longer, and datagrams behind it.
        assertThat(cut(extended(44, options), Offload.GSO_TCPV6, tcp)).isEmpty();
        assertThat(cut(extended(59, options), Offload.GSO_TCPV6, tcp)).isEmpty();
        assertThat(cut(extended(60, new byte[] {TCP, 1, 1, 0, 0, 0, 0, 0}), 4, tcp)).isEmpty();
        assertThat(cut(extended(60, new byte[] {17, 0, 1, 0, 0, 0, 0, 0}), 4, tcp)).isEmpty();
        assertThat(cut(tagged(extended(60, options), 3), 4, tcp + 12)).isEmpty();
    }

    private static byte[] extended(int type, byte[] extension) {
        var plain = Frames.tcp6(B, A, ACK, PAYLOAD);
        int at = ETHERNET + IPV6;
        var packet =
                ByteBuffer.allocate(plain.length + extension.length)
                        .put(plain, 0, at)
                        .put(extension)
                        .put(plain, at, plain.length - at)
                        .array();
        packet[ETHERNET + 6] = (byte) type;
        Frames.put(packet, ETHERNET + 4, extension.length + TCP_HEADER + PAYLOAD);
        return packet;
    }

    /** Lengths and checksums; a large extension header has the final destination. */
    private static void checkAll(List<byte[]> segments, int extension) {
        assertThat(segments).hasSize(SEGMENTS);
        int tcp = ETHERNET + IPV6 + extension;
        int from = extension > 8 ? ETHERNET + IPV6 + 8 : 38;
        for (var segment : segments) {
            int length = segment.length - tcp;
            assertThat(Frames.get(segment, ETHERNET + 4)).isEqualTo(extension + length);
            int pseudo = Frames.sum(segment, 22, 16) + Frames.sum(segment, from, 16) + TCP + length;
            assertThat(Frames.checksum(segment, tcp, length, pseudo)).isZero();
        }
    }

    private static int fold(int sum) {
        int folded = sum;
        while (folded >>> 16 != 0) {
            folded = (folded & 0xFFFF) + (folded >>> 16);
        }
        return folded;
    }
}
