package io.vireo.block;

import java.time.Instant;
import java.util.List;

/**
 * Snapshots of one moment.
 *
 * @param name of the group
 * @param made when
 * @param volumes that are in it still
 */
public record SnapshotGroup(String name, Instant made, List<String> volumes) {
    public SnapshotGroup {
        volumes = List.copyOf(volumes);
    }
}
