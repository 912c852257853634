package io.vireo.fabric.l2;

import io.vireo.net.DropReason;
import io.vireo.resource.spec.StormControlSpec;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Keeps the frames of a port that go to many to a rate: a token bucket for each sort, kept as the
 * time at which it is full again.
 */
final class StormControl {
    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);
    private static final long GROUP_BIT = 1;
    private static final long BROADCAST = 0xFFFF_FFFF_FFFFL;

    /** One sort of frames; rates are in frames per second. */
    private static final class Bucket {
        private final long interval;
        private final long depth;
        private long full = Long.MIN_VALUE;

        Bucket(int rate, int burst) {
            interval = Math.max(1, SECOND / rate);
            depth = (burst - 1) * interval;
        }

        boolean take(long now) {
            long from = full == Long.MIN_VALUE ? now : Math.max(full, now);
            if (from - now > depth) {
                return false;
            }
            full = from + interval;
            return true;
        }
    }

    private final @Nullable Bucket broadcast;
    private final @Nullable Bucket multicast;
    private final @Nullable Bucket unknown;

    StormControl(StormControlSpec spec) {
        broadcast = bucket(spec.broadcast(), spec.burst());
        multicast = bucket(spec.multicast(), spec.burst());
        unknown = bucket(spec.unknownUnicast(), spec.burst());
    }

    private static @Nullable Bucket bucket(OptionalInt rate, int burst) {
        return rate.isPresent() ? new Bucket(rate.getAsInt(), burst) : null;
    }

    /**
     * Takes a frame into account that is to go to many.
     *
     * @param to its destination, octets little-endian
     * @param nanos the time
     * @return why it must not, or null
     */
    @Nullable DropReason refuses(long to, long nanos) {
        if (to == BROADCAST) {
            return passes(broadcast, nanos) ? null : DropReason.STORM_BROADCAST;
        }
        if ((to & GROUP_BIT) != 0) {
            return passes(multicast, nanos) ? null : DropReason.STORM_MULTICAST;
        }
        return passes(unknown, nanos) ? null : DropReason.STORM_UNKNOWN;
    }

    private static boolean passes(@Nullable Bucket bucket, long nanos) {
        return bucket == null || bucket.take(nanos);
    }
}
