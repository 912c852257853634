package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.format.MirrorHeader;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * What was found of a mirror's legs.
 *
 * @param header the one that counts
 * @param legs for each leg what was found
 * @param dirty regions in which legs that are in sync may differ, or that legs which are not may
 *     lack
 * @param alone whether legs that are not here may know more, and it is to go on without them
 * @param readOnly whether nothing may be written: for a check
 */
public record MirrorPlan(
        MirrorHeader header, List<Found> legs, BitSet dirty, boolean alone, boolean readOnly) {
    /**
     * A leg.
     *
     * @param device empty: it is not here
     * @param place where its newest header is
     * @param partial whether the bitmap has all that it may lack; of one that is not in sync
     */
    public record Found(Optional<BlockDevice> device, int place, boolean partial) {}

    public MirrorPlan {
        legs = List.copyOf(legs);
    }
}
