package io.vireo.fabric.storage.pool;

import io.vireo.reactor.Reactor;
import java.util.concurrent.TimeUnit;

/**
 * Whether the pool may be written to: nothing may leave of who has lost it to another host, nor of
 * who has not seen for a while that it has not.
 */
final class Fence {
    /** How long one look at the superblocks is good for. */
    static final long GOOD_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final Reactor home;
    private boolean watched;
    private boolean lost;
    private boolean blind;
    private long goodUntil;

    Fence(Reactor home) {
        this.home = home;
    }

    /** The pool was ours at that time, and somebody goes on looking. */
    void seen(long nanoTime) {
        long until = nanoTime + GOOD_NANOS;
        goodUntil = watched && goodUntil - until > 0 ? goodUntil : until;
        watched = true;
    }

    /** Nobody looks any more. */
    void unwatched() {
        watched = false;
    }

    /** Somebody else has the pool. */
    void lose() {
        lost = true;
    }

    boolean isLost() {
        return lost;
    }

    /** Whether all looks have come to an end the last time, and none of them saw anything. */
    void blind(boolean is) {
        blind = is;
    }

    /** Whether changes have to wait, or to fail. */
    boolean isShut() {
        return lost || watched && home.nanoTime() - goodUntil > 0;
    }

    /** Whether changes have to fail: waiting would not help. */
    boolean isShutForGood() {
        return isShut() && (lost || blind);
    }
}
