package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is unusual and legal works. */
@ParameterizedClass
@ValueSource(longs = {Rig.ALL, Rig.PACKED})
class LegalRingTest {
    private static final int SIZE = 8;

    private final long features;

    LegalRingTest(long features) {
        this.features = features;
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 256, 32768})
    void chainOfExactlyTheQueueSize(int size) {
        try (Rig rig = new Rig(size, features, 0)) {
            long buffer = rig.buffer(64);
            long[] addresses = new long[size];
            int[] lengths = new int[size];
            Arrays.setAll(addresses, i -> buffer + i % 64);
            Arrays.fill(lengths, 1);
            int head = rig.driver.add(addresses, lengths, size, size / 2);
            rig.driver.publish();
            assertThat(rig.pop()).isEqualTo(1);
            assertThat(rig.batch.readableRanges[0]).isEqualTo(size / 2);
            assertThat(rig.batch.writableRanges[0]).isEqualTo(size - size / 2);
            assertThat(rig.batch.readableBytes[0]).isEqualTo(size / 2);
            rig.queue.push(head, 1);
            rig.queue.flush();
            assertThat(rig.driver.poll()).isTrue();
            assertThat(rig.driver.free()).isEqualTo(size);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 256, 32768})
    void indirectTableOfExactlyTheQueueSize(int size) {
        try (Rig rig = new Rig(size, features, 0)) {
            long buffer = rig.buffer(64);
            long table = rig.buffer(16 * size);
            long[] addresses = new long[size];
            int[] lengths = new int[size];
            Arrays.fill(addresses, buffer);
            Arrays.fill(lengths, 64);
            rig.driver.addIndirect(table, addresses, lengths, size, size);
            rig.driver.publish();
            assertThat(rig.pop()).isEqualTo(1);
            assertThat(rig.batch.readableBytes[0]).isEqualTo(64L * size);
        }
    }

    /** What Linux does with a queue that is smaller than the seg_max of its device. */
    @ParameterizedTest
    @CsvSource({"1, 1024", "8, 9", "64, 128", "64, 1024", "512, 1024"})
    void indirectTableLongerThanTheQueue(int size, int count) {
        try (Rig rig = new Rig(size, features, 0)) {
            long buffer = rig.buffer(count);
            long table = rig.buffer(16 * count);
            long[] addresses = new long[count];
            int[] lengths = new int[count];
            Arrays.setAll(addresses, i -> buffer + i);
            Arrays.fill(lengths, 1);
            rig.driver.addIndirect(table, addresses, lengths, count, 1);
            rig.driver.publish();
            assertThat(rig.pop()).as(rig.failures.toString()).isEqualTo(1);
            assertThat(rig.batch.readableBytes[0]).isEqualTo(1);
            assertThat(rig.batch.writableBytes[0]).isEqualTo(count - 1);
            Writer writer = new Writer().reset(rig.batch, 0);
            writer.fill(writer.remaining(), (byte) 7);
            byte[] seen = new byte[count];
            ForeignMemory.copyToArray(rig.memory.host(buffer), seen, 0, count);
            byte[] expected = new byte[count];
            Arrays.fill(expected, 1, count, (byte) 7);
            assertThat(seen).isEqualTo(expected);
            rig.queue.push(rig.batch.head[0], count - 1);
            rig.queue.flush();
            assertThat(rig.driver.poll()).isTrue();
            assertThat(rig.driver.usedLength()).isEqualTo(count - 1);
        }
    }

    @Test
    void aTableLongerThanTheQueueAcrossAdjacentRegions() {
        int count = 1024;
        long piece = 1 << 20;
        try (Rig rig = new Rig(new DriverMemory(4 * piece, 4), SIZE, features, 0)) {
            long[] addresses = new long[count];
            int[] lengths = new int[count];
            Arrays.fill(addresses, DriverMemory.GUEST_BASE + 2 * piece);
            Arrays.fill(lengths, 3);
            long border = DriverMemory.GUEST_BASE + piece;
            rig.driver.addIndirect(border - 8 * count + 8, addresses, lengths, count, count);
            rig.driver.publish();
            assertThat(rig.pop()).as(rig.failures.toString()).isEqualTo(1);
            assertThat(rig.batch.readableBytes[0]).isEqualTo(3L * count);
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 65534", "8, 65530", "256, 65530", "256, 65535", "32768, 65000"})
    void indicesWrapAt65536(int size, int base) {
        try (Rig rig = new Rig(size, features, base)) {
            long buffer = rig.buffer(64);
            for (int i = 0; i < 1000; i++) {
                int head = rig.driver.addReadable(buffer, 1);
                rig.driver.publish();
                assertThat(rig.queue.hasAvailable()).isTrue();
                assertThat(rig.pop()).isEqualTo(1);
                assertThat(rig.batch.head[0]).isEqualTo(head);
                rig.queue.push(head, i);
                rig.queue.flush();
                assertThat(rig.driver.poll()).isTrue();
                assertThat(rig.driver.usedHead()).isEqualTo(head);
                assertThat(rig.driver.usedLength()).isEqualTo(i);
            }
            assertThat(rig.queue.base()).isEqualTo(DriverQueue.base(size, features, base + 1000));
            assertThat(rig.failures).isEmpty();
        }
    }

    @Test
    void aFullQueueAcrossTheWrap() {
        try (Rig rig = new Rig(256, features, 65500)) {
            long buffer = rig.buffer(64);
            for (int round = 0; round < 5; round++) {
                for (int i = 0; i < 256; i++) {
                    rig.driver.addWritable(buffer, 8);
                }
                rig.driver.publish();
                int taken = 0;
                while (rig.pop() > 0) {
                    taken += rig.batch.count;
                    for (int i = 0; i < rig.batch.count; i++) {
                        rig.queue.push(rig.batch.head[i], 8);
                    }
                }
                assertThat(taken).isEqualTo(256);
                rig.queue.flush();
                while (rig.driver.poll()) {
                    taken--;
                }
                assertThat(taken).isZero();
            }
        }
    }

    @Test
    void emptyDescriptorsAnywhereAreSkippedWhereverTheyPoint() {
        try (Rig rig = new Rig(SIZE, features, 0)) {
            long buffer = rig.buffer(64);
            long[] addresses = {-1, buffer, 0, buffer, buffer};
            rig.driver.add(addresses, new int[] {0, 4, 0, 5, 0}, 5, 3);
            rig.driver.addReadable(0, 0);
            rig.driver.publish();
            assertThat(rig.pop()).isEqualTo(2);
            assertThat(rig.batch.ranges).isEqualTo(2);
            assertThat(rig.batch.readableBytes[0]).isEqualTo(4);
            assertThat(rig.batch.writableBytes[0]).isEqualTo(5);
            assertThat(rig.batch.readableRanges[1] + rig.batch.writableRanges[1]).isZero();
            Reader reader = new Reader().reset(rig.batch, 1);
            assertThat(reader.remaining()).isZero();
            assertThatThrownBy(reader::getByte).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void buffersAndTablesAcrossAdjacentRegions() {
        long piece = 1 << 20;
        try (Rig rig = new Rig(new DriverMemory(4 * piece, 4), SIZE, features, 0)) {
            long border = DriverMemory.GUEST_BASE + piece;
            // Over the first border, and a second one that swallows a whole region.
            rig.driver.addReadable(border - 10, 30);
            long[] addresses = {border + piece - 1};
            rig.driver.addIndirect(border - 24, addresses, new int[] {(int) piece + 2}, 1, 0);
            rig.driver.publish();
            assertThat(rig.pop()).isEqualTo(2);
            assertThat(rig.batch.readableRanges[0]).isEqualTo(2);
            assertThat(rig.batch.rangeLength).startsWith(10, 20, 1, (int) piece, 1);
            assertThat(rig.batch.writableBytes[1]).isEqualTo(piece + 2);
            Writer writer = new Writer().reset(rig.batch, 1);
            writer.fill(writer.remaining(), (byte) 7);
            byte[] seen = new byte[(int) piece + 4];
            ForeignMemory.copyToArray(rig.memory.host(border + piece - 2), seen, 0, seen.length);
            assertThat(seen[0]).isZero();
            assertThat(seen[seen.length - 1]).isZero();
            for (int i = 1; i < seen.length - 1; i++) {
                assertThat(seen[i]).isEqualTo((byte) 7);
            }
        }
    }

    @Test
    void aTableWhoseEntriesLieInTwoRegions() {
        long piece = 1 << 20;
        try (Rig rig = new Rig(new DriverMemory(4 * piece, 4), SIZE, features, 0)) {
            long table = DriverMemory.GUEST_BASE + piece - 24;
            long buffer = rig.buffer(64);
            long[] addresses = {buffer, buffer + 8, buffer + 16};
            rig.driver.addIndirect(table, addresses, new int[] {1, 2, 3}, 3, 2);
            rig.driver.publish();
            assertThat(rig.pop()).isEqualTo(1);
            assertThat(rig.batch.rangeLength).startsWith(1, 2, 3);
            assertThat(rig.batch.writableRanges[0]).isEqualTo(1);
        }
    }

    @Test
    void aBufferOfFourGigabytesHasSeveralRanges() {
        try (Rig rig = new Rig(new DriverMemory(6L << 30), SIZE, features, 0)) {
            rig.driver.addWritable(DriverMemory.GUEST_BASE + 4096, -1);
            rig.driver.publish();
            assertThat(rig.pop()).isEqualTo(1);
            assertThat(rig.batch.writableRanges[0]).isEqualTo(4);
            assertThat(rig.batch.writableBytes[0]).isEqualTo(0xFFFF_FFFFL);
        }
    }

    @Test
    void popStopsBeforeRangesOverflowAndGoesOnInAnEmptyBatch() {
        int size = 1024;
        try (Rig rig = new Rig(size, features, 0)) {
            long buffer = rig.buffer(64);
            long[] addresses = new long[size];
            int[] lengths = new int[size];
            Arrays.fill(addresses, buffer);
            Arrays.fill(lengths, 1);
            int chains = 10;
            for (int i = 0; i < chains; i++) {
                long table = rig.buffer(16 * size);
                rig.driver.addIndirect(table, addresses, lengths, size, size);
            }
            rig.driver.publish();
            int taken = 0;
            int pops = 0;
            while (taken < chains) {
                int popped = rig.pop();
                assertThat(popped).isEqualTo(2);
                taken += popped;
                pops++;
            }
            assertThat(pops).isEqualTo(5);
            assertThat(rig.failures).isEmpty();
        }
    }

    @Test
    void aBatchForSmallerQueuesIsRefused() {
        try (Rig rig = new Rig(1024, features, 0)) {
            assertThatThrownBy(() -> rig.queue.pop(new ChainBatch(128), 1))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void popAppendsUpToMaxAndTheBatchsCapacity() {
        try (Rig rig = new Rig(256, features, 0)) {
            long buffer = rig.buffer(64);
            for (int i = 0; i < 200; i++) {
                rig.driver.addReadable(buffer, 1);
            }
            rig.driver.publish();
            assertThat(rig.queue.pop(rig.batch, 0)).isZero();
            assertThat(rig.queue.pop(rig.batch, 10)).isEqualTo(10);
            assertThat(rig.queue.pop(rig.batch, 100)).isEqualTo(54);
            assertThat(rig.queue.pop(rig.batch, 100)).isZero();
            assertThat(rig.batch.count).isEqualTo(64);
            assertThat(rig.queue.inFlight()).isEqualTo(64);
            assertThat(rig.queue.hasAvailable()).isTrue();
        }
    }

    @Test
    void rewoundChainsArePoppedAgainInOrder() {
        try (Rig rig = new Rig(SIZE, features, 65533)) {
            long buffer = rig.buffer(64);
            for (int i = 0; i < SIZE; i++) {
                rig.driver.addWritable(buffer + i, 1);
            }
            rig.driver.publish();
            assertThat(rig.pop()).isEqualTo(SIZE);
            rig.queue.push(0, 1);
            assertThatThrownBy(() -> rig.queue.rewind(SIZE))
                    .isInstanceOf(IllegalStateException.class);
            assertThat(rig.queue.inFlight()).isEqualTo(SIZE - 1);
            rig.queue.rewind(5);
            assertThat(rig.queue.inFlight()).isEqualTo(2);
            assertThat(rig.queue.inFlight(2)).isTrue();
            assertThat(rig.queue.inFlight(3)).isFalse();
            assertThat(rig.queue.base() & 0xFFFF)
                    .isEqualTo(DriverQueue.base(SIZE, features, 65536) & 0xFFFF);
            assertThat(rig.queue.hasAvailable()).isTrue();
            assertThat(rig.pop()).isEqualTo(5);
            assertThat(rig.batch.head).startsWith(3, 4, 5, 6, 7);
            assertThat(rig.queue.inFlight()).isEqualTo(7);
            assertThat(rig.failures).isEmpty();
        }
    }

    @Test
    void completionsMayComeInAnyOrder() {
        try (Rig rig = new Rig(SIZE, features, 0)) {
            long buffer = rig.buffer(64);
            for (int i = 0; i < 4; i++) {
                rig.driver.addReadable(buffer, 1);
            }
            rig.driver.publish();
            rig.pop();
            for (int head : new int[] {2, 0, 3, 1}) {
                rig.queue.push(head, -1);
                assertThat(rig.driver.poll()).isFalse();
                rig.queue.flush();
                assertThat(rig.driver.poll()).isTrue();
                assertThat(rig.driver.usedHead()).isEqualTo(head);
                assertThat(rig.driver.usedLength()).isEqualTo(-1);
            }
        }
    }

    @Test
    void aQueueGoesOnWhereTheLastOneStopped() {
        try (Rig rig = new Rig(SIZE, features, 0)) {
            long buffer = rig.buffer(64);
            rig.driver.addReadable(buffer, 1);
            rig.driver.publish();
            rig.pop();
            rig.queue.push(0, 0);
            rig.queue.flush();
            int base = rig.queue.stop();
            assertThat(base).isEqualTo(DriverQueue.base(SIZE, features, 1));
            int head = rig.driver.addReadable(buffer, 1);
            rig.driver.publish();
            Virtqueue next = Rig.activate(rig.config(SIZE, features, base, Optional.empty()));
            rig.batch.clear();
            assertThat(next.pop(rig.batch, 64)).isEqualTo(1);
            next.push(head, 0);
            next.flush();
            assertThat(rig.driver.poll()).isTrue();
            assertThat(rig.driver.poll()).isTrue();
            assertThat(rig.driver.usedHead()).isEqualTo(head);
        }
    }
}
