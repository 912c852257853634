package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverQueue;
import java.lang.management.ManagementFactory;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The steady state allocates nothing. */
class AllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private static final int ROUNDS = 100;

    private final Reader reader = new Reader();
    private final Writer writer = new Writer();
    private long sink;

    @ParameterizedTest
    @ValueSource(longs = {Rig.ALL, Rig.PACKED})
    void noByteIsAllocatedPerChain(long features) throws InterruptedException {
        boolean packed = features == Rig.PACKED;
        try (Rig rig = new Rig(256, features, 0)) {
            long region =
                    rig.memory.host(rig.memory.allocate(InflightRegion.size(1, 256, packed), 64));
            Virtqueue recorded =
                    Rig.activate(
                            rig.config(
                                    256,
                                    features,
                                    DriverQueue.base(256, features, 0),
                                    Optional.of(InflightRegion.of(region, 0, 256, packed))));
            long[] addresses = {rig.buffer(16), rig.buffer(512), rig.buffer(1)};
            int[] lengths = {16, 512, 1};
            long table = rig.buffer(4096);
            Turn turn = () -> turn(rig, recorded, table, addresses, lengths);
            repeat(turn, 20_000);
            long least = Long.MAX_VALUE;
            // On a busy machine the compiler's threads may lag far behind: give them time.
            for (int round = 0; round < ROUNDS && least > 0; round++) {
                long before = THREADS.getCurrentThreadAllocatedBytes();
                repeat(turn, 2_000);
                least = Math.min(least, THREADS.getCurrentThreadAllocatedBytes() - before);
                Thread.sleep(least > 0 ? 20 : 0);
            }
            assertThat(sink).isNotZero();
            assertThat(least).isZero();
        }
    }

    private static void repeat(Turn turn, int times) {
        for (int i = 0; i < times; i++) {
            turn.run();
        }
    }

    /** Once round: the driver makes chains available, the device uses them. */
    @FunctionalInterface
    private interface Turn {
        void run();
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
