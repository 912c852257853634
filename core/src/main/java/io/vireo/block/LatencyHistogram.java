package io.vireo.block;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;
import org.jspecify.annotations.Nullable;

/**
 * How long requests took: counts of nanoseconds in buckets, eight to each octave from 1.024 us to
 * 137 s and eight below, so that what is read of them is at most an eighth too much. Recording
 * allocates nothing but, the first time, what it all is in. Any thread.
 */
public final class LatencyHistogram {
    static final int BUCKETS_PER_OCTAVE_SHIFT = 3;

    /** Exponent of the first octave; what is below has buckets as narrow as that one's. */
    private static final int FIRST = 10;

    private static final int LAST = 36;
    private static final int PER_OCTAVE = 1 << BUCKETS_PER_OCTAVE_SHIFT;
    private static final int BUCKETS = (LAST - FIRST + 2) * PER_OCTAVE;

    /** Where the sum of all nanoseconds is. */
    private static final int SUM = BUCKETS;

    private static final long WINDOW_NANOS = TimeUnit.SECONDS.toNanos(60);

    private static final long[] NONE = new long[BUCKETS];

    private volatile @Nullable AtomicLongArray cells;

    // Counts when the window began, and when the next one will have begun. Guarded by this.
    private long[] base = NONE;
    private long[] mark = NONE;
    private long markedAt;

    /** Nothing was recorded yet; {@code now} is {@link System#nanoTime}. */
    public LatencyHistogram(long now) {
        markedAt = now;
    }

    /** A request took so long. */
    public void record(long nanos) {
        AtomicLongArray all = cells;
        if (all == null) {
            all = begin();
        }
        all.getAndIncrement(bucket(nanos));
        all.getAndAdd(SUM, Math.max(0, nanos));
    }

    /** There are many devices that are never used. */
    private synchronized AtomicLongArray begin() {
        AtomicLongArray all = cells;
        if (all == null) {
            all = new AtomicLongArray(BUCKETS + 1);
            cells = all;
        }
        return all;
    }

    private static int bucket(long nanos) {
        if (nanos < 1L << FIRST) {
            return (int) (Math.max(0, nanos) >> (FIRST - BUCKETS_PER_OCTAVE_SHIFT));
        }
        int exponent = Long.SIZE - 1 - Long.numberOfLeadingZeros(nanos);
        if (exponent > LAST) {
            return BUCKETS - 1;
        }
        int within = (int) (nanos >> (exponent - BUCKETS_PER_OCTAVE_SHIFT)) & (PER_OCTAVE - 1);
        return (exponent - FIRST + 1) * PER_OCTAVE + within;
    }

    /** Nanoseconds below which all of a bucket are. */
    static long end(int bucket) {
        int octave = bucket >> BUCKETS_PER_OCTAVE_SHIFT;
        long within = (bucket & (PER_OCTAVE - 1)) + 1L;
        int shift = FIRST - BUCKETS_PER_OCTAVE_SHIFT;
        return octave == 0 ? within << shift : (PER_OCTAVE + within) << (shift + octave - 1);
    }

    /** Seconds that all requests took together. */
    public double seconds() {
        AtomicLongArray all = cells;
        return all == null ? 0 : all.get(SUM) / 1e9;
    }

    /** Requests that were recorded. */
    public long count() {
        return new LatencyWindow(counts()).count();
    }

    private long[] counts() {
        AtomicLongArray all = cells;
        if (all == null) {
            return NONE;
        }
        long[] counts = new long[BUCKETS];
        for (int i = 0; i < BUCKETS; i++) {
            counts[i] = all.get(i);
        }
        return counts;
    }

    /**
     * The requests of the last minute or two; where nobody has asked for longer, those since then.
     *
     * @param now {@link System#nanoTime}
     */
    public synchronized LatencyWindow window(long now) {
        if (cells == null) {
            return new LatencyWindow(NONE);
        }
        long[] counts = counts();
        if (now - markedAt >= WINDOW_NANOS) {
            base = mark;
            mark = counts.clone();
            markedAt = now;
        }
        for (int i = 0; i < BUCKETS; i++) {
            counts[i] -= base[i];
        }
        return new LatencyWindow(counts);
    }
}
