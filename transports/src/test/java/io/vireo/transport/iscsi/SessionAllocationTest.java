package io.vireo.transport.iscsi;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.vireo.testkit.iscsi.IscsiInitiator;
import io.vireo.testkit.iscsi.IscsiPdu;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The reactor that serves a session allocates nothing for its commands. */
class SessionAllocationTest {
    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private static final int ROUNDS = 2000;
    private static final int DEPTH = 8;
    private static final long COMPILER_NANOS = TimeUnit.SECONDS.toNanos(60);

    /**
     * What the virtual machine itself may do on the thread meanwhile, in bytes for each command: an
     * object for each second command would be more.
     */
    private static final long SLACK = 6;

    private final byte[] block = new byte[FakeTarget.BLOCK];

    @Test
    void commandsAllocateNothing() throws Exception {
        try (var bed = new Bed();
                IscsiInitiator initiator =
                        bed.session(Map.of("ImmediateData", "Yes", "InitialR2T", "Yes"))) {
            var thread = new CompletableFuture<Long>();
            bed.reactors
                    .data()
                    .getFirst()
                    .execute(() -> thread.complete(Thread.currentThread().threadId()));
            long id = thread.get();
            long commands = 3L * ROUNDS * DEPTH;
            // A compiler that lags behind still allocates: the first window without counts.
            long least = Long.MAX_VALUE;
            long deadline = System.nanoTime() + COMPILER_NANOS;
            while (least >= SLACK * commands && System.nanoTime() - deadline < 0) {
                long before = THREADS.getThreadAllocatedBytes(id);
                rounds(initiator);
                least = Math.min(least, THREADS.getThreadAllocatedBytes(id) - before);
            }
            assertThat(least).as("bytes for " + commands).isLessThan(SLACK * commands);
        }
    }

    private void rounds(IscsiInitiator initiator) throws IOException {
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 0; i < DEPTH; i++) {
                initiator.send(initiator.command(0xC1, 0, 512, Bed.cdb(FakeTarget.READ_10, i, 1)));
                initiator.send(
                        initiator
                                .command(0xA1, 0, 512, Bed.cdb(FakeTarget.WRITE_10, i, 1))
                                .data(block));
            }
            for (int i = 0; i < 2 * DEPTH; i++) {
                initiator.receive();
            }
            for (int i = 0; i < DEPTH; i++) {
                IscsiPdu command =
                        initiator.command(0xA1, 0, 512, Bed.cdb(FakeTarget.WRITE_10, i, 1));
                IscsiPdu r2t = initiator.exchange(command);
                initiator.send(initiator.dataOut(command, r2t.u32(20), 0, 0, block, true));
                initiator.receive();
            }
        }
    }
}
