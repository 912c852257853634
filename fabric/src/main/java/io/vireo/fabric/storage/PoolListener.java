package io.vireo.fabric.storage;

import io.vireo.block.PoolIntegrity;
import io.vireo.fabric.storage.pool.PoolEvents;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** What happens in a pool on disks, for whoever listens later. */
final class PoolListener implements PoolEvents {
    private static final System.Logger LOG = System.getLogger(PoolListener.class.getName());

    /** Findings that are shown; the log has all. */
    private static final int FINDINGS = 5;

    /** Whoever is told of a finding is not told of the next ones before that time. */
    private static final long PAUSE_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final LongSupplier nanoTime;
    private volatile Runnable full = () -> {};
    private volatile Runnable changed = () -> {};
    private final AtomicLong damaged = new AtomicLong();
    private final AtomicLong repaired = new AtomicLong();

    /** The latest; guarded by itself. */
    private final ArrayDeque<String> findings = new ArrayDeque<>();

    /** Findings that nobody was told of. */
    private volatile boolean untold;

    /** Guarded by {@link #findings}. */
    private long quietUntil;

    PoolListener(LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        quietUntil = nanoTime.getAsLong();
    }

    /** Whom to tell that requests fail for want of room. */
    void onFull(Runnable told) {
        full = told;
    }

    /** Whom to tell of anything else. */
    void onChange(Runnable told) {
        changed = told;
    }

    @Override
    public void full() {
        full.run();
    }

    /** The pool itself knows what it is. */
    @Override
    public void trouble(String sentence) {
        changed.run();
    }

    @Override
    public void degraded(String sentence) {
        LOG.log(Level.WARNING, sentence);
        changed.run();
    }

    @Override
    public void damaged(String volume, long offset, String sentence) {
        damaged.incrementAndGet();
        found(sentence);
    }

    @Override
    public void repaired(String volume, long offset, String sentence) {
        repaired.incrementAndGet();
        found(sentence);
    }

    private void found(String sentence) {
        LOG.log(Level.WARNING, sentence);
        long now = nanoTime.getAsLong();
        synchronized (findings) {
            if (findings.size() == FINDINGS) {
                findings.removeFirst();
            }
            findings.addLast(sentence);
            untold = now - quietUntil < 0;
            if (!untold) {
                quietUntil = now + PAUSE_NANOS;
            }
        }
        if (!untold) {
            changed.run();
        }
    }

    /** Whether there are findings that nobody was told of; from now on somebody is. */
    boolean takeUntold() {
        boolean some = untold;
        untold = false;
        return some;
    }

    @Override
    public void redundant() {
        changed.run();
    }

    /**
     * What is known of damage.
     *
     * @param scrub how the last scrub stands, for people
     */
    PoolIntegrity integrity(String scrub) {
        synchronized (findings) {
            return new PoolIntegrity(scrub, damaged.get(), repaired.get(), List.copyOf(findings));
        }
    }
}
