package io.vireo.fabric.storage;

import io.vireo.block.PoolIntegrity;
import io.vireo.fabric.storage.pool.PoolEvents;
import java.lang.System.Logger.Level;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;

/** What happens in a pool on disks, for whoever listens later. */
final class PoolListener implements PoolEvents {
    private static final System.Logger LOG = System.getLogger(PoolListener.class.getName());

    /** Findings that are shown; the log has all. */
    private static final int FINDINGS = 5;

    private volatile Runnable full = () -> {};
    private volatile Runnable changed = () -> {};
    private final AtomicLong damaged = new AtomicLong();
    private final AtomicLong repaired = new AtomicLong();

    /** The latest; guarded by itself. */
    private final ArrayDeque<String> findings = new ArrayDeque<>();

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

    @Override
    public void degraded(String sentence) {
        LOG.log(Level.WARNING, sentence);
        changed.run();
    }

    @Override
    public void damaged(String volume, long offset, String sentence) {
        found(sentence);
        damaged.incrementAndGet();
    }

    @Override
    public void repaired(String volume, long offset, String sentence) {
        found(sentence);
        repaired.incrementAndGet();
    }

    private void found(String sentence) {
        LOG.log(Level.WARNING, sentence);
        synchronized (findings) {
            if (findings.size() == FINDINGS) {
                findings.removeFirst();
            }
            findings.addLast(sentence);
        }
        changed.run();
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
