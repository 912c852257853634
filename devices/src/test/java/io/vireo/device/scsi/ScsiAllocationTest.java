package io.vireo.device.scsi;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.vireo.linux.NativeBuffer;
import io.vireo.scsi.NexusListener;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiNexus;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement;
import io.vireo.testkit.BlockClient;
import java.lang.management.ManagementFactory;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** A READ or WRITE allocates nothing in steady state. */
class ScsiAllocationTest {
    private static final int MEASURED = 20_000;

    /** How long a compiler may be at work before it counts. */
    private static final long COMPILER_NANOS = 30_000_000_000L;

    @Test
    void readsAndWritesAllocateNothing() {
        try (var bed = new ScsiBed();
                var buffer = NativeBuffer.allocate(4096, 4096)) {
            bed.client(1);
            bed.disk.logging(false);
            var run = new Run(bed, buffer);
            bed.owner.execute(run::start);
            assertThat(BlockClient.await(run.measured)).isZero();
            var closed = new CompletableFuture<Boolean>();
            bed.owner.execute(() -> run.nexus().close(() -> closed.complete(true)));
            BlockClient.await(closed);
        }
    }

    /** Submits the next task when one has ended, on the unit's reactor. */
    private static final class Run implements NexusListener {
        final CompletableFuture<Long> measured = new CompletableFuture<>();
        private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        private final ScsiBed bed;
        private final long address;
        private final ScsiTask task = new ScsiTask(0);
        private @Nullable ScsiNexus nexus;
        private int done;
        private final long deadline = System.nanoTime() + COMPILER_NANOS;
        private long before;
        private long least = Long.MAX_VALUE;

        Run(ScsiBed bed, NativeBuffer buffer) {
            this.bed = bed;
            this.address = buffer.address();
        }

        ScsiNexus nexus() {
            return Objects.requireNonNull(nexus);
        }

        void start() {
            nexus =
                    bed.target.open(
                            new ScsiInitiator.FibreChannel(42),
                            bed.target.fibreChannelPort(),
                            bed.owner,
                            this);
            next();
        }

        private void next() {
            boolean write = (done & 1) == 0;
            task.prepare(0, done, TaskAttribute.SIMPLE, 10);
            task.cdb()[0] = (byte) (write ? 0x2A : 0x28);
            task.cdb()[8] = 8;
            (write ? task.dataOut() : task.dataIn()).add(address, 4096);
            nexus().submit(task);
        }

        @Override
        public void completed(ScsiTask ended) {
            done++;
            if (done % MEASURED == 0) {
                long now = threads.getCurrentThreadAllocatedBytes();
                least = Math.min(least, now - before);
                before = now;
            }
            if (done % MEASURED == 0 && (least == 0 || System.nanoTime() - deadline > 0)) {
                measured.complete(least);
                return;
            }
            next();
        }

        @Override
        public void managed(TaskManagement function) {}

        @Override
        public void settled() {}

        @Override
        public void linkChanged(boolean up) {}

        @Override
        public void unitAdded(long lun) {}

        @Override
        public void unitRemoved(long lun) {}

        @Override
        public void unitChanged(long lun, int asc, int ascq) {}
    }
}
