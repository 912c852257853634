package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.PoolFormat;
import org.jspecify.annotations.Nullable;

/**
 * Which volume has a chunk. Who asks goes from chunk to chunk, or from block to block of one, so
 * the last answer is often the next one. Of several that share a chunk it is any; either all of
 * them have checksums or none, and the same ones for what they share.
 */
final class ChunkOwner {
    private final Engine engine;

    /** Whose chunk was asked about last; null: nobody's, as long as it is the same. */
    private @Nullable Volume last;

    private long lastChunk = -1;

    ChunkOwner(Engine engine) {
        this.engine = engine;
    }

    /** What was found may be another one's by now. */
    void forget() {
        lastChunk = -1;
    }

    /** A volume or snapshot that has a chunk at a place; null: none has. */
    @Nullable Volume find(long place, long chunk) {
        if (last != null ? has(last, place, chunk) : chunk == lastChunk) {
            return last;
        }
        last = null;
        lastChunk = chunk;
        for (Volume volume : engine.volumes().all()) {
            if (has(volume, place, chunk)) {
                last = volume;
                break;
            }
        }
        return last;
    }

    private boolean has(Volume volume, long place, long chunk) {
        return engine.tree().find(volume.root, place) == (PoolFormat.PRESENT | chunk);
    }
}
