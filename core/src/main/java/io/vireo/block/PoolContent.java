package io.vireo.block;

import java.util.Optional;

/**
 * A volume or a snapshot that was found in a pool.
 *
 * @param name of the vDisk or snapshot
 * @param snapshotOf of a snapshot, the name of its vDisk; empty if that is gone
 * @param snapshot whether it is one
 * @param thick whether all of its room is reserved
 */
public record PoolContent(
        String name,
        boolean snapshot,
        Optional<String> snapshotOf,
        VolumeFormat format,
        boolean thick) {}
