package io.vireo.fabric.storage.transfer;

import io.vireo.resource.Condition;
import io.vireo.resource.Quantity;
import io.vireo.resource.ResourceException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A copy on a thread of its own. What fails is tried again, from the beginning, until it succeeds
 * or is stopped: an operator makes room or puts a file right, and needs to do nothing more.
 */
public final class Transfer {
    private static final Logger LOG = System.getLogger(Transfer.class.getName());
    private static final long RETRY_NANOS = TimeUnit.SECONDS.toNanos(10);
    private static final long PACE_AT_MOST_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    /** One attempt. */
    interface Work {
        /** Copies all; asks {@link Transfer#proceed} before each piece. */
        void run(Transfer transfer);
    }

    /** It is to stop: no error. */
    static final class StoppedException extends RuntimeException {
        private static final long serialVersionUID = 1;

        StoppedException() {
            super("stopped", null, false, false);
        }
    }

    /**
     * How far it is.
     *
     * @param done whether all is copied and durable
     * @param copied bytes of the disk that were dealt with
     * @param size bytes of the disk; 0 if that is not known yet
     * @param problem empty, or why the last attempt failed: it is tried again
     * @param notes what a user should know of the file
     * @param nanos since the attempt began
     */
    public record Progress(
            boolean done, long copied, long size, String problem, List<String> notes, long nanos) {
        /** For tables and statuses. */
        public io.vireo.resource.Progress of(String job) {
            boolean moves = !done && problem.isEmpty() && copied > 0 && nanos > 0;
            return new io.vireo.resource.Progress(
                    job, copied, size, moves ? (long) (copied * 1e9 / nanos) : 0);
        }

        /** As people read it. */
        public String percent() {
            return done ? "100%" : of("").percent();
        }

        /** What a resource says while it is not done. */
        public List<Condition> conditions(String reason, String message) {
            if (done) {
                return List.of();
            }
            return List.of(
                    problem.isEmpty()
                            ? new Condition(Condition.READY, false, reason, message)
                            : new Condition(
                                    Condition.READY,
                                    false,
                                    reason + "Failed",
                                    problem + "; it is tried again every 10 seconds"));
        }
    }

    private final String name;
    private final long rate;
    private final long retryNanos;
    private final Work work;
    private final Runnable changed;
    private final ReentrantLock lock = new ReentrantLock();
    private final java.util.concurrent.locks.Condition stopCame = lock.newCondition();

    // Guarded by the lock.
    private boolean stopped;
    private boolean ended;
    private @Nullable Runnable onStopped;
    private @Nullable BlockPipe pipe;

    private long paceSince;
    private long paceBytes;

    private volatile boolean done;
    private volatile long copied;
    private volatile long began = System.nanoTime();
    private volatile long size;
    private volatile String problem = "";
    private volatile List<String> notes = List.of();

    /**
     * A copy that has not started.
     *
     * @param name of the thread
     * @param rate bytes per second at most
     * @param changed runs on the copy's thread when it is done, fails or is tried again
     */
    Transfer(String name, Optional<Quantity> rate, Work work, Runnable changed, long retryNanos) {
        this.name = name;
        this.rate = rate.map(Quantity::bytes).orElse(0L);
        this.work = work;
        this.changed = changed;
        this.retryNanos = retryNanos;
    }

    Transfer(String name, Optional<Quantity> rate, Work work, Runnable changed) {
        this(name, rate, work, changed, RETRY_NANOS);
    }

    /** Begins it, on a thread of its own; once, and whoever does so stops it. */
    public void start() {
        Thread.ofPlatform().name(name).daemon(true).start(this::run);
    }

    public Progress progress() {
        return new Progress(done, copied, size, problem, notes, System.nanoTime() - began);
    }

    /** Ends it, soon; {@code whenStopped} runs, on any thread, when it uses nothing any more. */
    public void stop(Runnable whenStopped) {
        lock.lock();
        try {
            stopped = true;
            stopCame.signalAll();
            if (pipe != null) {
                pipe.hurry();
            }
            if (!ended) {
                onStopped = whenStopped;
                return;
            }
        } finally {
            lock.unlock();
        }
        whenStopped.run();
    }

    private void run() {
        while (!isStopped() && !done) {
            attempt();
        }
        Runnable whenStopped;
        lock.lock();
        try {
            ended = true;
            whenStopped = onStopped;
        } finally {
            lock.unlock();
        }
        if (whenStopped != null) {
            whenStopped.run();
        }
    }

    private void attempt() {
        try {
            copied = 0;
            paceSince = System.nanoTime();
            began = paceSince;
            paceBytes = 0;
            work.run(this);
            problem = "";
            done = true;
            changed.run();
        } catch (StoppedException e) {
            // The loop ends.
        } catch (ResourceException e) {
            failed(String.valueOf(e.getMessage()));
        } catch (Throwable e) {
            // Whoever closes it waits for the end of the thread.
            LOG.log(Level.ERROR, name + " failed", e);
            failed("a defect of Vireo: " + e);
        }
    }

    private void failed(String why) {
        if (!problem.equals(why)) {
            LOG.log(Level.WARNING, name + ": " + why);
            problem = why;
            changed.run();
        }
        sleep(retryNanos);
    }

    private boolean isStopped() {
        lock.lock();
        try {
            return stopped;
        } finally {
            lock.unlock();
        }
    }

    /** Waits, unless it is to stop. */
    private void sleep(long nanos) {
        lock.lock();
        try {
            long left = nanos;
            while (!stopped && left > 0) {
                left = stopCame.awaitNanos(left);
            }
        } catch (InterruptedException e) {
            stopped = true;
        } finally {
            lock.unlock();
        }
    }

    /** What hurries when it is to stop. */
    void using(@Nullable BlockPipe used) {
        lock.lock();
        try {
            pipe = used;
            if (stopped && used != null) {
                used.hurry();
            }
        } finally {
            lock.unlock();
        }
    }

    /** What is known of the work. */
    void begins(long bytes, List<String> fileNotes) {
        size = bytes;
        notes = fileNotes;
    }

    /**
     * The next piece may be copied, which begins at {@code position}.
     *
     * @param bytes that it moves, for the rate
     */
    void proceed(long position, long bytes) {
        copied = position;
        paceBytes += bytes;
        boolean early = rate != 0;
        while (early && !isStopped()) {
            double due = (double) paceBytes / rate * 1e9;
            long ahead = (long) due - (System.nanoTime() - paceSince);
            early = ahead > 0;
            if (early) {
                sleep(Math.min(ahead, PACE_AT_MOST_NANOS));
            }
        }
        if (isStopped()) {
            throw new StoppedException();
        }
    }

    /** Whether a range is all zeroes. */
    static boolean isZero(byte[] data, int length) {
        int any = 0;
        for (int i = 0; i < length; i++) {
            any |= data[i];
        }
        return any == 0;
    }
}
