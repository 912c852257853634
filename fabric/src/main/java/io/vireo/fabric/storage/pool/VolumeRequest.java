package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.crypto.VolumeCipher;
import io.vireo.fabric.storage.queue.Fifo;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import io.vireo.memory.ScatterGatherList;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A front end's request on its way through the pool. */
final class VolumeRequest extends Fifo.Link<VolumeRequest> {
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

    /** Ranges of the request that read as zeroes: offset, length. */
    private long[] holes = new long[8];

    private int holeWords;

    /** What is written or read, where the client's own memory is not good enough. */
    private OwnMemory[] copies = {};

    private int copyCount;
    private @Nullable WriteBuffers lender;

    /** Whether what was read has been deciphered. */
    private boolean deciphered;

    private final ScatterGatherList copied = new ScatterGatherList(2);

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
        deciphered = false;
    }

    BlockRequest request() {
        return Objects.requireNonNull(request);
    }

    /** What is written, or where what is read goes to. */
    ScatterGatherList data() {
        return copyCount == 0 ? request().data() : copied;
    }

    /** Buffers that a copy of the data needs. */
    int buffersNeeded() {
        return (int) ((request().length() + WriteBuffers.BYTES - 1) / WriteBuffers.BYTES);
    }

    /**
     * Copies what the client writes. Its memory may be gone, and the {@link InternalError} cut the
     * turn off: then this is done again, and the second time it is this client's own.
     *
     * @return false: the memory is gone
     */
    boolean copyData(WriteBuffers buffers) {
        if (++touches > 2) {
            return false;
        }
        takeRoom(buffers);
        copy(request().data(), copied);
        touches = 0;
        return true;
    }

    /** Takes memory of ours for what is written or read. */
    void takeRoom(WriteBuffers buffers) {
        lender = buffers;
        int needed = buffersNeeded();
        if (copies.length < needed) {
            copies = Arrays.copyOf(copies, needed);
        }
        while (copyCount < needed) {
            copies[copyCount++] = buffers.take();
        }
        copied.clear();
        long left = request().length();
        for (int i = 0; left > 0; i++) {
            int step = (int) Math.min(left, WriteBuffers.BYTES);
            copied.add(copies[i].address(), step);
            left -= step;
        }
    }

    private static void copy(ScatterGatherList from, ScatterGatherList to) {
        int target = 0;
        int inside = 0;
        for (int i = 0; i < from.count(); i++) {
            for (int done = 0; done < from.length(i); ) {
                int step = Math.min(from.length(i) - done, to.length(target) - inside);
                NativeMemory.copy(from.address(i) + done, to.address(target) + inside, step);
                done += step;
                inside += step;
                if (inside == to.length(target)) {
                    target++;
                    inside = 0;
                }
            }
        }
    }

    /** Gives memory of ours back. */
    void dropCopy() {
        WriteBuffers from = lender;
        while (copyCount > 0) {
            Objects.requireNonNull(from).give(copies[--copyCount]);
        }
    }

    /**
     * Deciphers what was read, in our memory, and only then copies it to the client's: what a guest
     * could change before would be deciphered for it. Its memory may be gone, and the {@link
     * InternalError} cut the turn off: then it is copied again, and the second time it is this
     * client's own.
     */
    void deliver(VolumeCipher cipher) {
        if (status != BlockStatus.OK) {
            return;
        }
        if (!deciphered) {
            for (int i = 0; i < holeWords; i += 2) {
                zero(copied, holes[i], holes[i + 1]);
            }
            cipher.decrypt(copied, request().offset());
            deciphered = true;
        }
        if (++touches > 2) {
            fail(BlockStatus.MEMORY_FAULT);
            return;
        }
        copy(copied, request().data());
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
