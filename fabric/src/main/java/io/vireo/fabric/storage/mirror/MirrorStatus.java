package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockDevice;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * A mirror, for people.
 *
 * @param set its identity
 * @param legs its legs, in order
 * @param copiedBytes of the resync that is under way
 * @param toCopyBytes all that it has to copy; 0: there is none
 * @param bytesPerSecond what it has copied per second so far; 0: not known yet
 * @param paused whether it waits for {@link MirrorDevice#pauseResync}
 * @param dirtyBytes of regions that would be made equal after a crash now
 * @param stallLimit how long a leg may leave a request without an answer
 */
public record MirrorStatus(
        UUID set,
        List<Leg> legs,
        long copiedBytes,
        long toCopyBytes,
        long bytesPerSecond,
        boolean paused,
        long dirtyBytes,
        Duration stallLimit) {
    /** What a leg is. */
    public enum LegState {
        /** It holds everything. */
        IN_SYNC,
        /** It is here and gets what it lacks. */
        SYNCING,
        /** It is here and failed; it is tried again by and by. */
        FAILED,
        /** It was not here when the pool was opened. */
        ABSENT
    }

    /**
     * A leg.
     *
     * @param why it is not in sync; empty: it is
     * @param device that it is on; empty: it is not here
     */
    public record Leg(UUID uuid, LegState state, String why, Optional<BlockDevice> device) {}

    public MirrorStatus {
        legs = List.copyOf(legs);
    }

    /** Whether all legs are in sync. */
    public boolean isRedundant() {
        return legs.stream().allMatch(leg -> leg.state() == LegState.IN_SYNC);
    }

    /** Seconds until the resync ends at its present speed; -1: nobody knows. */
    public long secondsLeft() {
        return toCopyBytes == 0
                ? 0
                : bytesPerSecond == 0 ? -1 : (toCopyBytes - copiedBytes) / bytesPerSecond;
    }
}
