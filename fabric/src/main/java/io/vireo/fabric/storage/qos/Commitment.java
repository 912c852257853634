package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockRates;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a pool has promised to one user, for all its vDisks there together and on whatever reactors:
 * units per second that it has whatever others do. Any thread.
 */
final class Commitment {
    /** The burst is what is promised in this part of a second: a lane that is late catches up. */
    private static final int BURSTS_PER_SECOND = 200;

    final BlockRates user;

    private final SharedRate credit;
    private final AtomicInteger backlogged = new AtomicInteger();
    private volatile long perSecond;
    private volatile boolean ended;

    Commitment(BlockRates user, long now) {
        this.user = user;
        credit = new SharedRate(now);
    }

    /** Promises so many units per second, more than 0. */
    void change(long units, long now) {
        credit.change(units, Math.max(1, units / BURSTS_PER_SECOND), now);
        perSecond = units;
    }

    /** Nothing is promised any more. */
    void end() {
        ended = true;
    }

    boolean ended() {
        return ended;
    }

    /** Units per second. */
    long perSecond() {
        return perSecond;
    }

    /** How far it is used ahead, in ticks of {@link SharedRate}; positive: no unit is left now. */
    long ahead(long now) {
        return credit.ahead(now);
    }

    /** Uses it for a request. */
    void take(long units, long now) {
        credit.take(units, now);
    }

    /** Lines in which its requests wait for their turn, at least 1. */
    int backloggedFlows() {
        return Math.max(backlogged.get(), 1);
    }

    void backlogBegins() {
        backlogged.incrementAndGet();
    }

    void backlogEnds() {
        backlogged.decrementAndGet();
    }
}
