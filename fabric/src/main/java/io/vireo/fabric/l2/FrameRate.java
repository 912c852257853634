package io.vireo.fabric.l2;

import java.util.concurrent.TimeUnit;

/** A token bucket for frames, kept as the time at which it is full again. */
final class FrameRate {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    private final long interval;
    private final long depth;
    private long full = Long.MIN_VALUE;

    /**
     * A full bucket.
     *
     * @param rate frames per second
     * @param burst frames that may come at once
     */
    FrameRate(int rate, int burst) {
        interval = Math.max(1, SECOND / rate);
        depth = (burst - 1) * interval;
    }

    /** Takes one frame at a time in nanoseconds; returns whether there was room for it. */
    boolean take(long now) {
        long from = full == Long.MIN_VALUE ? now : Math.max(full, now);
        if (from - now > depth) {
            return false;
        }
        full = from + interval;
        return true;
    }
}
