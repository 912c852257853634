package io.vireo.fabric.storage.qos;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A rate with a burst that several threads use at once, without a lock: the generic cell rate
 * algorithm (ITU-T I.371), whose whole state is one time. What is taken moves that time on by its
 * worth; as long as it lies in the past there is credit.
 *
 * <p>Units may be taken on credit, however many: nothing is admitted until that is paid off, so
 * that the rate is exact over any longer time. Two threads that ask at the same instant may both be
 * admitted, which the next one pays.
 */
final class SharedRate {
    /** What a poller that is late may catch up with, whatever the burst. */
    static final long BURST_MIN_NANOS = 2_000_000;

    /** Times are kept in 1/64 ns, so that a cheap unit of a fast rate is not rounded away. */
    private static final int TICK_SHIFT = 6;

    private static final double TICKS_PER_SECOND = 1e9 * (1 << TICK_SHIFT);

    private static final Config NONE = new Config(0, 0, 0, 0);

    private final long origin;
    private final AtomicLong paidUntil = new AtomicLong();
    private volatile Config config = NONE;

    private record Config(long perSecond, long burst, double ticksPerUnit, long burstTicks) {}

    /** A rate without bounds; {@code now} is in nanoseconds. */
    SharedRate(long now) {
        origin = now;
    }

    /**
     * Changes the rate. What is owed is forgiven, and there is no burst to begin with, so that
     * changing back and forth gives nobody more.
     *
     * @param perSecond units; 0: no bounds
     * @param burst units
     */
    void change(long perSecond, long burst, long now) {
        Config old = config;
        if (old.perSecond == perSecond && old.burst == burst) {
            return;
        }
        if (perSecond == 0) {
            config = NONE;
            return;
        }
        double ticksPerUnit = TICKS_PER_SECOND / perSecond;
        long burstTicks = Math.max((long) (burst * ticksPerUnit), BURST_MIN_NANOS << TICK_SHIFT);
        paidUntil.set(ticks(now));
        config = new Config(perSecond, burst, ticksPerUnit, burstTicks);
    }

    /** Whether anything may pass now. */
    boolean inCredit(long now) {
        return config.perSecond == 0 || paidUntil.get() - ticks(now) <= 0;
    }

    /** How far it is paid ahead, in ticks of 1/64 ns; positive: there is no credit. */
    long ahead(long now) {
        return paidUntil.get() - ticks(now);
    }

    /** Nanoseconds from {@code now} until there is credit; 0 if there is. */
    long opensIn(long now) {
        if (config.perSecond == 0) {
            return 0;
        }
        long ahead = paidUntil.get() - ticks(now);
        return ahead <= 0 ? 0 : (ahead >> TICK_SHIFT) + 1;
    }

    /**
     * Takes units and says when they may pass: each caller after the one before.
     *
     * @return nanoseconds from {@code now}; 0: at once
     */
    long reserve(long units, long now) {
        Config rate = config;
        if (rate.perSecond == 0) {
            return 0;
        }
        long at = ticks(now);
        long cost = (long) (units * rate.ticksPerUnit);
        long before;
        long ahead;
        do {
            before = paidUntil.get();
            ahead = Math.max(before - at, -rate.burstTicks);
        } while (cost > 0 && !paidUntil.compareAndSet(before, at + ahead + cost));
        return ahead <= 0 ? 0 : (ahead >> TICK_SHIFT) + 1;
    }

    /** Takes units, unless more than {@code debtNanos} is owed for earlier ones. */
    void charge(long units, long now, long debtNanos) {
        Config rate = config;
        if (rate.perSecond != 0 && (paidUntil.get() - ticks(now)) >> TICK_SHIFT < debtNanos) {
            reserve(units, now);
        }
    }

    /** Gives units back that were reserved and did not pass. */
    void giveBack(long units) {
        Config rate = config;
        if (rate.perSecond != 0) {
            paidUntil.addAndGet(-(long) (units * rate.ticksPerUnit));
        }
    }

    /** Takes units, on credit if need be. */
    void take(long units, long now) {
        take(units, now, Long.MAX_VALUE);
    }

    /** Takes units; what is owed does not become more than {@code debtNanos} and these units. */
    void take(long units, long now, long debtNanos) {
        Config rate = config;
        if (rate.perSecond == 0 || units == 0) {
            return;
        }
        long at = ticks(now);
        long cost = (long) (units * rate.ticksPerUnit);
        long most = debtNanos == Long.MAX_VALUE ? Long.MAX_VALUE : debtNanos << TICK_SHIFT;
        long before;
        long from;
        do {
            before = paidUntil.get();
            // A difference, because times wrap around.
            from = at + Math.clamp(before - at, -rate.burstTicks, most);
        } while (!paidUntil.compareAndSet(before, from + cost));
    }

    private long ticks(long now) {
        return (now - origin) << TICK_SHIFT;
    }
}
