package io.vireo.block;

/**
 * Room of a {@link BlockPool}.
 *
 * @param capacityBytes in total; 0 if it has no limit
 * @param freeBytes that volumes can still take
 */
public record PoolSpace(long capacityBytes, long freeBytes) {}
