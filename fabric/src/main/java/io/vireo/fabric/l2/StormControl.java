package io.vireo.fabric.l2;

import io.vireo.net.DropReason;
import io.vireo.resource.spec.StormControlSpec;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Keeps the frames of a port that go to many to a rate for each sort. */
final class StormControl {
    private static final long GROUP_BIT = 1;
    private static final long BROADCAST = 0xFFFF_FFFF_FFFFL;

    private final @Nullable FrameRate broadcast;
    private final @Nullable FrameRate multicast;
    private final @Nullable FrameRate unknown;

    StormControl(StormControlSpec spec) {
        broadcast = bucket(spec.broadcast(), spec.burst());
        multicast = bucket(spec.multicast(), spec.burst());
        unknown = bucket(spec.unknownUnicast(), spec.burst());
    }

    private static @Nullable FrameRate bucket(OptionalInt rate, int burst) {
        return rate.isPresent() ? new FrameRate(rate.getAsInt(), burst) : null;
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

    private static boolean passes(@Nullable FrameRate bucket, long nanos) {
        return bucket == null || bucket.take(nanos);
    }
}
