package io.vireo.fabric.l2.qos;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;
import io.vireo.net.Offload;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class WireSizeTest {
    private final FrameBatch batch = new FrameBatch();

    @AfterEach
    void close() {
        batch.close();
    }

    private long bytes(int length, long offload) {
        batch.length[0] = length;
        batch.headerLength[0] = Math.min(length, FrameBatch.SNAPSHOT);
        batch.offload[0] = offload;
        return WireSize.bytes(batch, 0, WireSize.packets(batch, 0));
    }

    private static long tcp(int size) {
        return Offload.of(Offload.NEEDS_CHECKSUM, Offload.GSO_TCPV4, 0, size, 34);
    }

    @Test
    void aFrameHasACheckSequenceAnd64BytesAtLeast() {
        assertThat(bytes(14, 0)).isEqualTo(64);
        assertThat(bytes(60, 0)).isEqualTo(64);
        assertThat(bytes(61, 0)).isEqualTo(65);
        assertThat(bytes(1514, 0)).isEqualTo(1518);
    }

    @Test
    void aFrameToBeSegmentedIsTheFramesThatItBecomes() {
        // A TCP header of 32 bytes: data offset 8.
        NativeMemory.putByte(batch.header(0) + 34 + 12, (byte) 0x80);
        assertThat(bytes(66 + 3 * 1448, tcp(1448))).isEqualTo(3 * 1518);
        assertThat(WireSize.packets(batch, 0)).isEqualTo(3);
        // The last one is short, and padded.
        NativeMemory.putByte(batch.header(0) + 34 + 12, (byte) 0x50);
        assertThat(bytes(54 + 1460 + 1, tcp(1460))).isEqualTo(1518 + 64);
        assertThat(bytes(54 + 1460, tcp(1460))).isEqualTo(1518);
    }

    @Test
    void nonsenseIsCountedAsSomething() {
        assertThat(bytes(100, tcp(0))).isEqualTo(104);
        assertThat(bytes(20, tcp(1))).isEqualTo(64);
        NativeMemory.putByte(batch.header(0) + 34 + 12, (byte) 0);
        assertThat(bytes(65_553, tcp(1))).isPositive();
        assertThat(bytes(65_553, Offload.of(1, 0x7f, 0xffff, 0xffff, 0xffff))).isPositive();
    }
}
