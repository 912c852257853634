package io.vireo.device.scsi;

import org.jspecify.annotations.Nullable;

/**
 * A part of a copy operation, in bytes of the units: multiples of the blocks of both.
 *
 * @param from where the data is; nothing: zeroes are written
 * @param token that the data is represented by, which has to be good all the time
 */
record CopySegment(
        @Nullable UnitNexus from,
        long fromOffset,
        UnitNexus to,
        long toOffset,
        long length,
        @Nullable RodToken token) {}
