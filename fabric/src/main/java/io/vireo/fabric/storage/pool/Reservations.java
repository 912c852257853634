package io.vireo.fabric.storage.pool;

import java.util.List;

/**
 * What of the room that is not in use is spoken for, in chunks: by metadata, and by dedicated
 * volumes. Of the home reactor.
 */
final class Reservations {
    private final ChunkSpace space;
    private final MetaSpace meta;
    private final Checkpointer checkpointer;
    private final VolumeTable volumes;
    private final int chunkShift;

    Reservations(
            ChunkSpace space,
            MetaSpace meta,
            Checkpointer checkpointer,
            VolumeTable volumes,
            int chunkShift) {
        this.space = space;
        this.meta = meta;
        this.checkpointer = checkpointer;
        this.volumes = volumes;
        this.chunkShift = chunkShift;
    }

    /** What data must leave alone so that metadata always finds room. */
    long forMetadata() {
        return fixed() + forCheckpoint();
    }

    private long fixed() {
        return Math.max(4, space.total() / 50);
    }

    /** What the next checkpoint takes before it gives anything back. */
    private long forCheckpoint() {
        return meta.chunksFor(checkpointer.blocksNeeded() + 64);
    }

    /** What dedicated volumes have not taken yet. */
    long forDedicated() {
        List<Volume> dedicated = volumes.dedicated();
        long sum = 0;
        for (int i = 0; i < dedicated.size(); i++) {
            sum += unmet(dedicated.get(i));
        }
        return sum;
    }

    private long unmet(Volume volume) {
        long chunks = ChunkSpace.chunksOf(volume.capacity, chunkShift);
        return volume.dedicated ? Math.max(0, chunks - volume.root.mapped()) : 0;
    }

    /** What is left for others; negative: there is less than is spoken for. */
    long left() {
        return space.unused() - forMetadata() - forDedicated();
    }

    /** Whether a volume may take one more chunk. */
    boolean mayAllocate(Volume volume) {
        long reserved = unmet(volume) > 0 ? 0 : forDedicated();
        return space.unused() > forMetadata() + reserved;
    }

    /**
     * Whether maps may change where no room is taken: the next checkpoint has to have room for what
     * changes. Pages that are shared are copied for it, and what they were does not become free:
     * half of what is kept for metadata is left alone by that.
     *
     * @param shared whether pages are shared
     */
    boolean mayUnmap(boolean shared) {
        long kept = shared ? fixed() / 2 : 0;
        return space.unused() > kept + forCheckpoint();
    }

    /** Whether a volume may map one more chunk, for all that bounds it together with others. */
    boolean isWithinLimits(Volume volume) {
        for (int i = 0; i < volume.limits.size(); i++) {
            if (!volume.limits.get(i).allows(chunkShift)) {
                return false;
            }
        }
        return true;
    }
}
