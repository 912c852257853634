package io.vireo.block;

/**
 * What a pool is used for, in bytes.
 *
 * @param allocated taken by data and maps
 * @param logical capacities of all volumes together, snapshots left out
 * @param mapped what volumes and snapshots have written, as often as it is shared
 * @param snapshots their number
 */
public record PoolUsage(long allocated, long logical, long mapped, int snapshots) {
    /** What thin volumes, snapshots and clones save of what is promised. */
    public long saved() {
        return Math.max(0, logical - allocated);
    }
}
