package io.vireo.block;

import java.time.Instant;

/**
 * A snapshot of a volume.
 *
 * @param name in its pool
 * @param made when it was made
 */
public record VolumeSnapshot(String name, Instant made) {}
