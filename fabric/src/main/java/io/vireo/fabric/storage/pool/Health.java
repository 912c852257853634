package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.PoolOwner;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/**
 * Whether a pool takes changes, and what is wrong with it and what to do. Of the home reactor where
 * nothing else is said.
 */
final class Health {
    private static final Logger LOG = System.getLogger(Health.class.getName());

    private final MemberSet members;
    private final PoolEvents events;
    private final Runnable whenFrozen;
    private boolean frozen;
    private volatile String trouble = "";

    /**
     * @param whenFrozen called when the pool begins to take no changes because something is wrong
     */
    Health(MemberSet members, PoolEvents events, Runnable whenFrozen) {
        this.members = members;
        this.events = events;
        this.whenFrozen = whenFrozen;
    }

    /** Whether the pool takes no changes: it is poisoned, damaged, lost or closing. */
    boolean isFrozen() {
        return frozen;
    }

    /** What is wrong and what to do; empty: nothing. Any thread. */
    String trouble() {
        return trouble;
    }

    /** What was found when the pool was opened is not whole. */
    void damaged(String what) {
        freeze(
                what
                        + "; the pool is open for reading only: copy its volumes away and check its disks");
    }

    /**
     * Something failed after which nobody knows what the members hold: no change is taken any more.
     */
    void poison(String what) {
        freeze(
                what
                        + "; writes to the pool fail from now on, reads go on: check its disks, then restart Vireo");
    }

    /**
     * Somebody else has the pool. What it does with the chunks nobody knows here, so not even reads
     * go on.
     */
    void lose(PoolOwner to) {
        freeze(
                "%s: %s has it, and all I/O of it fails here from now on; to have it here again stop Vireo there, or delete the pool there, then restart Vireo here"
                        .formatted(Superblocks.LOST, to));
        members.lose(Superblocks.LOST);
    }

    /** Whether somebody else has the pool. */
    boolean isLost() {
        return members.fence().isLost();
    }

    /** No change is taken any more, without anything being wrong. */
    void stop() {
        frozen = true;
    }

    private void freeze(String sentence) {
        if (frozen) {
            return;
        }
        frozen = true;
        trouble = sentence;
        LOG.log(Level.ERROR, "storage pool: " + sentence);
        events.trouble(sentence);
        whenFrozen.run();
    }

    /** Something is wrong, but the pool goes on. */
    void alarm(String sentence) {
        LOG.log(Level.WARNING, "storage pool: " + sentence);
        events.trouble(sentence);
    }
}
