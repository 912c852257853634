package io.vireo.fabric.l2;

import io.vireo.net.Announcement;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Announces several times, since any frame may be lost and a switch may still be about to take a
 * link into use: {@link Announcement#ROUNDS} times, a second apart, as RFC 4861 has it
 * (MAX_NEIGHBOR_ADVERTISEMENT, RETRANS_TIMER); two of these rounds are as far apart as RFC 5227
 * asks (ANNOUNCE_NUM, ANNOUNCE_INTERVAL). All on one reactor.
 */
final class Rounds {
    private static final long INTERVAL_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** Rounds that could not be held, for lack of a link. */
    private static final int PATIENCE = 60;

    private final Reactor reactor;
    private final BooleanSupplier round;
    private @Nullable Timer timer;
    private int left;
    private int patience;

    /** When the next round may be, of those that anybody may cause. */
    private long earliest;

    /**
     * @param round announces; false if it could not
     */
    Rounds(Reactor reactor, BooleanSupplier round) {
        this.reactor = reactor;
        this.round = round;
        earliest = reactor.nanoTime();
    }

    /** Begins with the first round now. */
    void begin() {
        begin(Announcement.ROUNDS, 0);
    }

    /** Begins with the first round, a second after the last one of before at the soonest. */
    void beginSpaced() {
        begin(Announcement.ROUNDS, Math.max(0, earliest - reactor.nanoTime()));
    }

    /** Begins with the second round: the first one was held. */
    void goOn() {
        begin(Announcement.ROUNDS - 1, INTERVAL_NANOS);
    }

    private void begin(int rounds, long delayNanos) {
        cancel();
        left = rounds;
        patience = PATIENCE;
        if (delayNanos > 0) {
            timer = reactor.schedule(delayNanos, this::run);
        } else {
            run();
        }
    }

    /** Whether a round is to come. */
    boolean goesOn() {
        return timer != null;
    }

    private void run() {
        timer = null;
        if (round.getAsBoolean()) {
            earliest = reactor.nanoTime() + INTERVAL_NANOS;
            left--;
        } else {
            patience--;
        }
        if (left > 0 && patience > 0) {
            timer = reactor.schedule(INTERVAL_NANOS, this::run);
        }
    }

    void cancel() {
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
    }
}
