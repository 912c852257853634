package io.vireo.block;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * How long requests took: counts of nanoseconds in buckets, eight to each octave from 1.024 us to
 * 137 s and eight below, so that what is read of them is at most an eighth too much.
 *
 * <p>Whoever records has a {@link Recorder} of its own: an atomic addition would have the processor
 * finish all that was stored before it, the data of a read for instance. All else is for any
 * thread.
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

    private static final VarHandle CELL = MethodHandles.arrayElementVarHandle(long[].class);

    // All guarded by this: the recorders that are in use, what the others counted; counts when the
    // window began, and when the next one will have begun.
    private final List<Recorder> recorders = new ArrayList<>();
    private final long[] closed = new long[BUCKETS + 1];
    private long[] base = NONE;
    private long[] mark = NONE;
    private long markedAt;

    /** Nothing was recorded yet; {@code now} is {@link System#nanoTime}. */
    public LatencyHistogram(long now) {
        markedAt = now;
    }

    /** Counts what one thread at a time records. It allocates nothing but, once, where to count. */
    public static final class Recorder {
        private volatile long[] cells = NONE;

        private Recorder() {}

        /** A request took so long. */
        public void record(long nanos) {
            long[] all = cells;
            if (all.length == BUCKETS) {
                // There are many devices that are never used.
                all = new long[BUCKETS + 1];
                cells = all;
            }
            add(all, bucket(nanos), 1);
            add(all, SUM, Math.max(0, nanos));
        }

        private static void add(long[] all, int cell, long amount) {
            // Opaque: one writer; others see whole values, and in the end all of them.
            CELL.setOpaque(all, cell, all[cell] + amount);
        }

        private void addTo(long[] sums) {
            long[] all = cells;
            for (int i = 0; i < all.length; i++) {
                sums[i] += (long) CELL.getOpaque(all, i);
            }
        }
    }

    /** A recorder, for one that records. */
    public synchronized Recorder recorder() {
        var recorder = new Recorder();
        recorders.add(recorder);
        return recorder;
    }

    /** It records no more. */
    public synchronized void close(Recorder recorder) {
        if (recorders.remove(recorder)) {
            recorder.addTo(closed);
        }
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
        return cells()[SUM] / 1e9;
    }

    /** Requests that were recorded. */
    public long count() {
        return new LatencyWindow(counts()).count();
    }

    private synchronized long[] cells() {
        long[] sums = closed.clone();
        for (Recorder recorder : recorders) {
            recorder.addTo(sums);
        }
        return sums;
    }

    private long[] counts() {
        return Arrays.copyOf(cells(), BUCKETS);
    }

    /**
     * The requests of the last minute or two; where nobody has asked for longer, those since then.
     *
     * @param now {@link System#nanoTime}
     */
    public synchronized LatencyWindow window(long now) {
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
