package io.vireo.device.virtio.blk;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.ForeignMemory;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Registration;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.MemoryBlockDevice;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Driver and device on one reactor: nothing is allocated for a request. */
class BlkAllocationTest {
    private static final int DEPTH = 16;
    private static final int REQUESTS = 20_000;
    private static final long COMPILER_NANOS = TimeUnit.SECONDS.toNanos(60);

    @Test
    void steadyStateAllocatesNothing() {
        try (var block = new MemoryBlockDevice(1 << 20, 512)) {
            block.logging(false);
            try (var bed = new BlkBed(block)) {
                // A compiler that lags behind still allocates: the first window without counts.
                long deadline = System.nanoTime() + COMPILER_NANOS;
                long least = Long.MAX_VALUE;
                while (least > 0 && System.nanoTime() - deadline < 0) {
                    Load load = BlockClient.on(bed.reactors.getFirst(), () -> new Load(bed));
                    least = Math.min(least, BlockClient.await(load.allocated));
                }
                assertThat(least).isZero();
            }
        }
    }

    /** Reads and writes in turn, always a whole batch. */
    private static final class Load implements Poller {
        final CompletableFuture<Long> allocated = new CompletableFuture<>();
        private final com.sun.management.ThreadMXBean threads =
                (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        private final DriverQueue driver;
        private final BlkBed bed;
        private final Registration registration;
        private final long[] addresses = new long[3 * DEPTH];
        private final long[] chain = new long[3];
        private final int[] lengths = {16, 4096, 1};
        private int outstanding;
        private int left = REQUESTS;
        private long before;

        Load(BlkBed bed) {
            this.bed = bed;
            driver = bed.driver[0];
            bed.forget();
            for (int i = 0; i < DEPTH; i++) {
                boolean write = i % 2 == 0;
                addresses[3 * i] = bed.header(write ? BlkProtocol.T_OUT : BlkProtocol.T_IN, 8L * i);
                addresses[3 * i + 1] = bed.take(4096);
                addresses[3 * i + 2] = bed.statusByte();
            }
            registration = bed.reactors.getFirst().add(this);
        }

        @Override
        public int poll() {
            while (driver.poll()) {
                outstanding--;
            }
            if (outstanding > 0) {
                return 1;
            }
            if (left <= 0) {
                long bytes = threads.getCurrentThreadAllocatedBytes() - before;
                registration.close();
                long status = ForeignMemory.getByte(bed.memory.host(addresses[2]));
                allocated.complete(status == BlkProtocol.S_OK ? bytes : Long.MAX_VALUE);
                return 1;
            }
            for (int i = 0; i < DEPTH; i++) {
                System.arraycopy(addresses, 3 * i, chain, 0, 3);
                driver.add(chain, lengths, 3, i % 2 == 0 ? 2 : 1);
            }
            if (left == REQUESTS) {
                before = threads.getCurrentThreadAllocatedBytes();
            }
            outstanding = DEPTH;
            left -= DEPTH;
            if (driver.publish()) {
                bed.queues[0].kick();
            }
            return 1;
        }

        @Override
        public String name() {
            return "driver";
        }
    }
}
