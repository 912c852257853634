package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.vireo.linux.ForeignMemory;
import java.lang.management.ManagementFactory;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The steady state allocates nothing. */
class AllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private final Reader reader = new Reader();
    private final Writer writer = new Writer();
    private long sink;

    @Test
    void noByteIsAllocatedPerChain() {
        try (Rig rig = new Rig(256)) {
            long region = rig.memory.host(rig.memory.allocate(InflightRegion.size(1, 256), 64));
            Virtqueue recorded =
                    Rig.activate(
                            rig.config(
                                    256,
                                    Rig.ALL,
                                    0,
                                    Optional.of(InflightRegion.of(region, 0, 256))));
            long[] addresses = {rig.buffer(16), rig.buffer(512), rig.buffer(1)};
            int[] lengths = {16, 512, 1};
            long table = rig.buffer(4096);
            for (int i = 0; i < 20_000; i++) {
                turn(rig, recorded, table, addresses, lengths);
            }
            long before = THREADS.getCurrentThreadAllocatedBytes();
            for (int i = 0; i < 2000; i++) {
                turn(rig, recorded, table, addresses, lengths);
            }
            long allocated = THREADS.getCurrentThreadAllocatedBytes() - before;
            assertThat(sink).isNotZero();
            // A byte for each of the 96000 chains would be more; a turn that a compilation
            // interrupts allocates a little.
            assertThat(allocated).isLessThan(16 * 1024);
        }
    }

    private void turn(Rig rig, Virtqueue queue, long table, long[] addresses, int[] lengths) {
        for (int i = 0; i < 16; i++) {
            rig.driver.addReadable(addresses[0], 16);
            rig.driver.add(addresses, lengths, 3, 1);
            rig.driver.addIndirect(table, addresses, lengths, 3, 1);
        }
        rig.driver.publish();
        rig.batch.clear();
        queue.pop(rig.batch, 64);
        queue.rewind(10);
        rig.batch.count -= 10;
        queue.pop(rig.batch, 10);
        for (int i = 0; i < rig.batch.count; i++) {
            reader.reset(rig.batch, i);
            sink += reader.getLong();
            writer.reset(rig.batch, i);
            if (writer.remaining() > 0) {
                writer.fill(512, (byte) 1);
                writer.putByte((byte) 0);
            }
            queue.push(rig.batch.head[i], 513);
        }
        queue.flush();
        if (queue.arm()) {
            queue.disarm();
        }
        while (rig.driver.poll()) {
            sink += ForeignMemory.getByte(rig.memory.host(addresses[2])) + 1;
        }
    }
}
