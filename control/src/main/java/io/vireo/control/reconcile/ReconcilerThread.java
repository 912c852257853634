package io.vireo.control.reconcile;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread on which a {@link Reconciler} runs; sleeps until it is woken or a retry is due.
 */
public final class ReconcilerThread {
    private static final Logger LOG = LoggerFactory.getLogger(ReconcilerThread.class);
    private static final long AFTER_DEFECT_NANOS = Duration.ofSeconds(1).toNanos();

    private final Semaphore wakeups = new Semaphore(0);
    private final AtomicBoolean stop = new AtomicBoolean();
    private final Thread thread;

    /** Makes the thread; {@code passes} runs one pass and returns nanoseconds until the next. */
    public ReconcilerThread(Pass pass) {
        thread =
                Thread.ofPlatform()
                        .name("vireo-reconciler")
                        .daemon(true)
                        .unstarted(() -> run(pass));
    }

    /** One pass of a reconciler. */
    @FunctionalInterface
    public interface Pass {
        /**
         * @return nanoseconds until it wants to run again by itself
         */
        long run(long nowNanos);
    }

    public void start() {
        thread.start();
    }

    /** Asks for a pass; any thread, never blocks. */
    public void wake() {
        if (wakeups.availablePermits() == 0) {
            wakeups.release();
        }
    }

    /** Lets the thread end after the pass that is under way, and waits for that. */
    public void stop(Duration timeout) throws InterruptedException {
        stop.set(true);
        wake();
        thread.join(timeout);
    }

    private void run(Pass pass) {
        while (!stop.get()) {
            long pause;
            try {
                pause = pass.run(System.nanoTime());
            } catch (RuntimeException e) {
                LOG.error("a pass of the reconciler failed; the next one is in a second", e);
                pause = AFTER_DEFECT_NANOS;
            }
            await(pause);
        }
    }

    private void await(long nanos) {
        try {
            if (wakeups.tryAcquire(nanos, TimeUnit.NANOSECONDS)) {
                wakeups.drainPermits();
            }
        } catch (InterruptedException _) {
            stop.set(true);
        }
    }
}
