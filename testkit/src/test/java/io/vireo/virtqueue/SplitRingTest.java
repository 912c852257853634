package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.DriverQueue;
import org.junit.jupiter.api.Test;

/** What only split queues allow. */
class SplitRingTest {
    private static final int SIZE = 8;

    @Test
    void directDescriptorsThenAnIndirectOneWhoseWriteFlagIsIgnored() {
        try (Rig rig = new Rig(SIZE)) {
            long buffer = rig.buffer(64);
            long table = rig.memory.allocate(64, 1) + 1;
            rig.split().entry(table, 0, buffer + 8, 8, DriverQueue.NEXT, 1);
            rig.split().entry(table, 1, buffer + 16, 8, DriverQueue.WRITE, 0);
            rig.split().descriptor(3, buffer, 8, DriverQueue.NEXT, 5);
            rig.split().descriptor(5, table, 32, DriverQueue.INDIRECT | DriverQueue.WRITE, 0);
            rig.split().offer(3);
            assertThat(rig.pop()).isEqualTo(1);
            assertThat(rig.batch.head[0]).isEqualTo(3);
            assertThat(rig.batch.readableRanges[0]).isEqualTo(2);
            assertThat(rig.batch.writableRanges[0]).isEqualTo(1);
            assertThat(rig.batch.firstWritable[0]).isEqualTo(2);
        }
    }
}
