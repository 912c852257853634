package io.vireo.fabric.storage.pool;

/**
 * Where a scrub is: all before it was looked at.
 *
 * @param volume identity of the volume or snapshot; those with a smaller one are done
 * @param chunk of the volume that is next
 * @param readBytes what was read until there
 */
public record ScrubPlace(long volume, long chunk, long readBytes) {
    /** The beginning. */
    public static final ScrubPlace START = new ScrubPlace(0, 0, 0);
}
