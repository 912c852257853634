package io.vireo.fabric.storage.move;

import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.queue.Fifo;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A front end's request while its vDisk is moved, and the one that is handed on for it. */
final class MoveRequest extends Fifo.Link<MoveRequest> {
    private final MoveChannel channel;
    private final BlockRequest inner;
    private @Nullable BlockRequest request;
    private BlockStatus status = BlockStatus.OK;

    /** Until when it may be held back to let the copy catch up, by the clock of the reactor. */
    long deadline;

    MoveRequest(MoveChannel channel, int tag, Mover mover) {
        this.channel = channel;
        inner = new BlockRequest(tag, ended -> mover.ended(this, ended.status()));
    }

    void begin(BlockRequest newRequest) {
        request = newRequest;
        inner.prepare(newRequest.operation(), newRequest.offset(), newRequest.length())
                .forceUnitAccess(newRequest.forceUnitAccess())
                .unmap(newRequest.unmap())
                .data(newRequest.data());
    }

    /** What is handed on. */
    BlockRequest inner() {
        return inner;
    }

    /** The front end's; it has one. */
    BlockRequest request() {
        return Objects.requireNonNull(request);
    }

    /** Whether it is the front end's request of this tag. */
    boolean isFor(int tag) {
        return request != null && request.tag() == tag;
    }

    /** Ends what the front end asked for. */
    void complete() {
        BlockRequest ended = request();
        request = null;
        ended.complete(status);
    }

    MoveChannel channel() {
        return channel;
    }

    BlockStatus status() {
        return status;
    }

    void status(BlockStatus how) {
        status = how;
    }

    /** Whether the device may be another one after it. */
    boolean changes() {
        return switch (inner.operation()) {
            case WRITE, DISCARD, WRITE_ZEROES -> true;
            case READ, FLUSH, ALLOCATE -> false;
        };
    }
}
