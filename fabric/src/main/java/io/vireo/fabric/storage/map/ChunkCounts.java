package io.vireo.fabric.storage.map;

/** Told of each leaf's entry that begins or ceases to refer to a chunk. */
public interface ChunkCounts {
    /** One more entry refers to the chunk. */
    void add(long chunk);

    /** One entry less does. */
    void drop(long chunk);
}
