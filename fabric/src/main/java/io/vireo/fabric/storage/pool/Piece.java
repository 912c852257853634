package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockCompletion;
import io.vireo.block.BlockRequest;
import io.vireo.fabric.storage.queue.Fifo;
import io.vireo.memory.OwnMemory;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A part of a request: one operation on a member, or a wait. Used again and again. */
final class Piece extends Fifo.Link<Piece> implements BlockCompletion {
    /** What its operation on the member is for. */
    enum Stage {
        /** Read chunks. */
        READ,
        /** Change chunks that belong to the volume alone, in place. */
        IN_PLACE,
        /** Write the first data of a fresh chunk. */
        FILL,
        /** Read the chunk that is shared. */
        COPY_READ,
        /** Write old and new data to a fresh chunk. */
        COPY_WRITE
    }

    private final DataPath path;
    final BlockRequest io = new BlockRequest(0, this);
    private @Nullable VolumeRequest request;
    Stage stage = Stage.READ;

    /** Range of the volume in bytes. */
    long at;

    long length;

    /** The chunk that it fills. */
    long fresh;

    /** The chunk that it copies from. */
    long shared;

    /** Whether it fills a chunk where nothing is mapped yet. */
    boolean first;

    /** The epoch that it is in while a member works on it. */
    long epoch;

    @Nullable OwnMemory bounce;

    /** Others that wait until it is done with its chunk. */
    final Fifo<Piece> followers = new Fifo<>();

    Piece(DataPath path) {
        this.path = path;
    }

    void begin(VolumeRequest owner, long newAt, long newLength) {
        request = owner;
        at = newAt;
        length = newLength;
    }

    VolumeRequest request() {
        return Objects.requireNonNull(request);
    }

    @Override
    public void completed(BlockRequest ended) {
        path.ended(this, ended.status());
    }
}
