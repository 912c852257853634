package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.ScatterGatherList;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A front end's request on its way through the pool. */
final class VolumeRequest {
    private final VolumeChannel channel;
    private @Nullable BlockRequest request;

    /** Pieces that have not ended, and one for as long as they are made. */
    int outstanding;

    BlockStatus status = BlockStatus.OK;

    /** Whether pieces may carry FUA through to the member, so that no group commit is needed. */
    boolean direct;

    /**
     * When it has waited long enough for room, by the home reactor's clock; 0: it has not waited.
     */
    long deadline;

    /** Link of the list that it waits in. */
    @Nullable VolumeRequest next;

    /** Ranges of the request that read as zeroes: offset, length. */
    private long[] holes = new long[8];

    private int holeWords;

    /** Attempts to touch the client's memory that were not seen to end. */
    private int touches;

    VolumeRequest(VolumeChannel channel) {
        this.channel = channel;
    }

    void begin(BlockRequest newRequest) {
        request = newRequest;
        status = BlockStatus.OK;
        outstanding = 1;
        direct = false;
        deadline = 0;
        holeWords = 0;
        touches = 0;
    }

    BlockRequest request() {
        return Objects.requireNonNull(request);
    }

    VolumeChannel channel() {
        return channel;
    }

    Volume volume() {
        return channel.volume();
    }

    /** The first failure is what the request ends with. */
    void fail(BlockStatus how) {
        if (status == BlockStatus.OK) {
            status = how;
        }
    }

    /** A range of the volume that reads as zeroes. */
    void hole(long at, long length) {
        if (holeWords == holes.length) {
            holes = Arrays.copyOf(holes, holeWords * 2);
        }
        holes[holeWords++] = at - request().offset();
        holes[holeWords++] = length;
    }

    /**
     * Zeroes what was a hole, in the client's memory. It may be gone, and the {@link InternalError}
     * cut the turn off: then this is done again, and the second time it is this client's own.
     */
    void zeroHoles() {
        if (holeWords == 0) {
            return;
        }
        if (++touches > 2) {
            fail(BlockStatus.MEMORY_FAULT);
            return;
        }
        for (int i = 0; i < holeWords; i += 2) {
            zero(request().data(), holes[i], holes[i + 1]);
        }
        holeWords = 0;
    }

    private static void zero(ScatterGatherList list, long offset, long length) {
        long skip = offset;
        long left = length;
        for (int i = 0; left > 0; i++) {
            long available = list.length(i);
            if (skip >= available) {
                skip -= available;
                continue;
            }
            long take = Math.min(left, available - skip);
            NativeMemory.fill(list.address(i) + skip, take, (byte) 0);
            skip = 0;
            left -= take;
        }
    }
}
