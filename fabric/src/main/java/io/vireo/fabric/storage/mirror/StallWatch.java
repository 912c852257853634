package io.vireo.fabric.storage.mirror;

import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import java.util.concurrent.TimeUnit;

/**
 * Takes legs out of the mirror that do not answer for too long, so that changes and flushes go on
 * without them. Not the last one, and none while nobody else in sync answers either: what all of
 * them wait for is no disk's fault, and taking one out would help nobody.
 */
final class StallWatch {
    private static final int LOOKS_PER_LIMIT = 8;

    private final MirrorChannel channel;
    private long limit;
    private final Timer timer;
    private boolean ticking;
    private boolean stopped;

    /**
     * @param limitNanos how long a leg may leave a request without an answer
     */
    StallWatch(MirrorChannel channel, Reactor home, long limitNanos) {
        this.channel = channel;
        limit = limitNanos;
        timer = home.timer(this::look);
    }

    long limit() {
        return limit;
    }

    void limit(long limitNanos) {
        limit = limitNanos;
        if (ticking) {
            timer.start(limit / LOOKS_PER_LIMIT);
        }
    }

    /** A leg has something to answer. */
    void watch() {
        if (!ticking && !stopped) {
            ticking = true;
            timer.start(limit / LOOKS_PER_LIMIT);
        }
    }

    void stop() {
        stopped = true;
        timer.cancel();
    }

    private void look() {
        ticking = false;
        for (Leg leg : channel.legs()) {
            if (waits(leg) >= limit && isAnsweredWithout(leg)) {
                channel.legs()
                        .failAll(
                                leg.bit,
                                "it has not answered for %d s"
                                        .formatted(TimeUnit.NANOSECONDS.toSeconds(limit)));
                leg.giveUp();
            }
        }
        for (Leg leg : channel.legs()) {
            LegQueue here = leg.queue;
            if (here != null && here.isBusy()) {
                watch();
            }
        }
    }

    /** What one that is out was given before is waited for too. */
    private static long waits(Leg leg) {
        LegQueue here = leg.queue;
        return here == null ? 0 : here.waits();
    }

    private boolean isAnsweredWithout(Leg leg) {
        for (Leg other : channel.legs()) {
            if (other != leg && other.state == Leg.State.IN_SYNC && waits(other) < limit / 2) {
                return true;
            }
        }
        return false;
    }
}
