package io.vireo.bench;

/**
 * A histogram of times with a relative error of at most a sixteenth. Several threads have one each.
 */
final class Latencies {
    private static final int SUB_BITS = 4;
    private static final int SUB = 1 << SUB_BITS;

    private final long[] counts = new long[Long.SIZE * SUB];

    void add(long nanos) {
        counts[bucket(Math.max(SUB, nanos))]++;
    }

    private static int bucket(long nanos) {
        var exponent = Long.SIZE - 1 - Long.numberOfLeadingZeros(nanos);
        return (exponent << SUB_BITS) | ((int) (nanos >>> (exponent - SUB_BITS)) & (SUB - 1));
    }

    void add(Latencies other) {
        for (var i = 0; i < counts.length; i++) {
            counts[i] += other.counts[i];
        }
    }

    /** The time in nanoseconds that so large a part was not over; 0 if there is nothing. */
    double quantile(double part) {
        var total = 0L;
        for (var count : counts) {
            total += count;
        }
        var wanted = (long) Math.ceil(total * part);
        var seen = 0L;
        for (var i = 0; i < counts.length; i++) {
            seen += counts[i];
            if (seen >= wanted && counts[i] > 0) {
                var exponent = i >> SUB_BITS;
                return (double) ((long) (SUB + (i & (SUB - 1))) << (exponent - SUB_BITS));
            }
        }
        return 0;
    }
}
