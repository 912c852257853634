package io.vireo.fabric.storage.pool;

/**
 * What a pool has room for and is busy with. In chunks where nothing else is said.
 *
 * @param chunkBytes bytes of a chunk
 * @param total chunks
 * @param unused chunks that nothing refers to, whether they can be handed out yet or not; without
 *     those that are broken
 * @param ready chunks that can be handed out now
 * @param reserved what thin volumes must leave alone: for metadata, and for dedicated volumes
 * @param metadata chunks that hold maps and the catalog
 * @param broken chunks that could not be zeroed
 * @param mapPages pages of 4 KiB of all maps in memory
 * @param dirtyPages of these, pages that have changed since the last checkpoint
 * @param journalBytes of the journal that are in use
 * @param generation of the newest superblock
 */
public record PoolStatus(
        int chunkBytes,
        long total,
        long unused,
        long ready,
        long reserved,
        long metadata,
        long broken,
        long mapPages,
        long dirtyPages,
        long journalBytes,
        long generation) {}
