package io.vireo.fabric.storage.pool;

import java.util.List;

/**
 * What {@link PoolCheck} found.
 *
 * @param pool the pool's identity
 * @param generation of the superblock that counts
 * @param ownerEpoch how often the pool was opened
 * @param groups of the journal that belong to the state
 * @param volumes volumes and snapshots
 * @param mapPages pages of maps, shared ones counted once
 * @param totalChunks of all members
 * @param dataChunks that maps refer to
 * @param metadataChunks that hold metadata
 * @param toClean chunks that nothing refers to and that may hold old data; they are zeroed before
 *     they are used again
 * @param checksums blocks of volumes that have one
 * @param uncertain blocks of volumes that may not match theirs, because the end was not clean
 * @param findings what is wrong, one sentence each; empty: nothing
 */
public record PoolCheckReport(
        String pool,
        long generation,
        long ownerEpoch,
        long groups,
        int volumes,
        long mapPages,
        long totalChunks,
        long dataChunks,
        long metadataChunks,
        long toClean,
        long checksums,
        long uncertain,
        List<String> findings) {
    public PoolCheckReport {
        findings = List.copyOf(findings);
    }

    /** Whether nothing is wrong. */
    public boolean isSound() {
        return findings.isEmpty();
    }
}
