package io.vireo.fabric.l2;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.vireo.net.FrameBatch;
import io.vireo.net.Network;
import io.vireo.net.PortSpec;
import io.vireo.net.QosPolicy;
import io.vireo.net.QosSettings;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.VlanSet;
import io.vireo.testkit.Frames;
import java.lang.management.ManagementFactory;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A port that goes to sleep again and again until its rate lets it send. */
@Timeout(120)
class ShapedPortAllocationTest {
    private static final long RATE = 100_000_000;
    private static final int FRAME = 1500;
    private static final int WARM_UP = 3000;
    private static final int WAITS = 3000;

    /** A timer for each wait would be 24 bytes and more. */
    private static final long ALLOWED = WAITS * 4L;

    /** Far more than the compiler takes; on a busy machine it has little time. */
    private static final int ROUNDS_MAX = 100;

    private static final byte[] HEAD =
            Frames.frame(0x0200_0000_0002L, 0x0200_0000_0001L, FrameBatch.SNAPSHOT);

    @Test
    void aWaitAllocatesNothing() throws Exception {
        var reactor = Reactor.start(new ReactorConfig("shaped", -1, PollMode.INTERRUPT));
        var network =
                new L2Switch(new L2Switch.Config("lan", FRAME, VlanSet.NONE, 300, 1024), reactor);
        var rates = new QosSettings.Rates(RATE, RATE, 1 << 17, true);
        var policy =
                new QosPolicy(
                        "slow",
                        new QosSettings(
                                Optional.of(rates),
                                Optional.empty(),
                                QosSettings.SHARES,
                                0,
                                0,
                                QosSettings.Marking.NONE));
        var port =
                network.attach(
                        new EndlessPort("endless", HEAD, FRAME),
                        PortSpec.access(0).withQos(Optional.of(policy)));
        var thread = new CompletableFuture<Long>();
        reactor.execute(() -> thread.complete(Thread.currentThread().threadId()));
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        awaitPauses(port, WARM_UP);
        long sleeps = reactor.metrics().sleeps();
        long least = Long.MAX_VALUE;
        int rounds = 0;
        // Until the best compiler has come to it the JDK allocates 40 bytes for each system call,
        // the segment that takes errno; and what is compiled while it is measured allocates, too.
        while (least >= ALLOWED && rounds < ROUNDS_MAX) {
            rounds++;
            long pauses = port.qosCounters().pauses();
            long before = threads.getThreadAllocatedBytes(thread.get());
            awaitPauses(port, pauses + WAITS);
            least = Math.min(least, threads.getThreadAllocatedBytes(thread.get()) - before);
        }
        assertThat(reactor.metrics().sleeps() - sleeps)
                .as("it slept until its time came")
                .isGreaterThan((long) rounds * WAITS / 2);
        assertThat(least).isLessThan(ALLOWED);
        reactor.close();
    }

    private static void awaitPauses(Network.Attachment port, long pauses)
            throws InterruptedException {
        while (port.qosCounters().pauses() < pauses) {
            Thread.sleep(5);
        }
    }
}
