package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
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

    /** Nanoseconds for which it has waited while there was no room. */
    long waitedForRoom;

    /** Until when that is counted, by the home reactor's clock; 0: it has not waited. */
    long waitCountedAt;

    /** Ranges of the request that read as zeroes: offset, length. */
    private long[] holes = new long[8];

    private int holeWords;

    /**
     * Memory of our own for the data, where the client's is not good enough: of what is written to
     * mirrors, and of all that has checksums.
     */
    private Loan copies = new Loan();

    /** Whether what was read has been deciphered. */
    private boolean deciphered;

    private final ScatterGatherList copied = new ScatterGatherList(2);

    /** Chunks that are written with nothing but zeroes, where the volume cares. */
    private final ZeroChunks zeroes = new ZeroChunks();

    /** Attempts to touch the client's memory that were not seen to end. */
    private int touches;

    /** What is done now; a request with checksums takes several steps. */
    BlockOperation operation = BlockOperation.FLUSH;

    /** What is written, or where what is read goes to. */
    private ScatterGatherList data = copied;

    /** The byte of the volume that is the first of the data. */
    private long base;

    /** Of a volume with checksums, how far the request is; null: it has none. */
    final @Nullable SummedOp summed;

    /** Whether barriers wait for it, so that it does not wait for them. */
    boolean entered;

    /**
     * Waits for room on behalf of all from its first byte on, so that memory of ours can be given
     * back meanwhile; null: nobody does, or each piece for itself.
     */
    @Nullable Piece lacking;

    /** Whether that could have been tried again while others were still under way. */
    boolean missed;

    /** Whether the front end has taken it back: it does not wait for room any more. */
    boolean takenBack;

    /** Whether it has begun and not ended. */
    boolean active;

    VolumeRequest(VolumeChannel channel) {
        this.channel = channel;
        VolumeSums checks = channel.volume().checks;
        summed = checks == null ? null : new SummedOp(channel.sums(), this, checks);
    }

    void begin(BlockRequest newRequest) {
        request = newRequest;
        status = BlockStatus.OK;
        outstanding = 1;
        direct = false;
        waitedForRoom = 0;
        waitCountedAt = 0;
        holeWords = 0;
        touches = 0;
        operation = newRequest.operation();
        data = newRequest.data();
        base = newRequest.offset();
        deciphered = false;
        lacking = null;
        missed = false;
        takenBack = false;
        active = true;
        zeroes.clear();
    }

    BlockRequest request() {
        return Objects.requireNonNull(request);
    }

    /** What is written, or where what is read goes to. */
    ScatterGatherList data() {
        return data;
    }

    /** The byte of the volume that is the first of {@link #data}. */
    long base() {
        return base;
    }

    /** Has a request to a member have the data, or a part of it. */
    void lend(BlockRequest io, long offset, long length) {
        io.data().addSlice(data, offset, length);
        if (data == copied) {
            io.lease(copies);
        } else {
            io.foreign(data == request().data());
        }
    }

    /** Changes what is written, or where what is read goes to. */
    void data(ScatterGatherList list, long first) {
        data = list;
        base = first;
    }

    /** Buffers that a copy of the data needs. */
    int buffersNeeded() {
        SummedOp here = summed;
        return here == null ? WriteBuffers.count(request().length()) : here.buffersNeeded();
    }

    /**
     * Copies what the client writes. Its memory may be gone, and the {@link InternalError} cut the
     * turn off: then this is done again, and the second time it is this client's own.
     *
     * @return false: the memory is gone
     */
    boolean copyData(WriteBuffers buffers) {
        SummedOp here = summed;
        if (here != null) {
            return here.takeIn(buffers);
        }
        takeRoom(buffers);
        return copyIn(0);
    }

    /** Takes memory of ours for what is written or read. */
    void takeRoom(WriteBuffers buffers) {
        takeBuffers(buffers, request().length(), request().offset());
    }

    /** Has the data be in memory of our own, so many bytes of it. */
    void takeBuffers(WriteBuffers buffers, long bytes, long first) {
        int needed = WriteBuffers.count(bytes);
        copies.take(buffers, needed);
        copied.clear();
        for (int i = 0; i < needed; i++) {
            long left = bytes - (long) i * WriteBuffers.BYTES;
            copied.add(copies.buffer(i).address(), (int) Math.min(WriteBuffers.BYTES, left));
        }
        data(copied, first);
    }

    /** The data in memory of our own. */
    ScatterGatherList copied() {
        return copied;
    }

    /** The buffer of our own with a byte of the data. */
    OwnMemory buffer(long offset) {
        return copies.buffer((int) (offset / WriteBuffers.BYTES));
    }

    /**
     * Copies what the client writes to our memory, from byte {@code margin} of that on.
     *
     * @return false: the client's memory is gone
     */
    boolean copyIn(long margin) {
        if (++touches > 2) {
            return false;
        }
        copy(request().data(), 0, copied, margin, request().length());
        if (volume().zeroDetection) {
            findZeroes(copied, margin);
        }
        NativeMemory.settle();
        touches = 0;
        return true;
    }

    /**
     * Looks for zeroes in the client's memory; as {@link #copyData}.
     *
     * @return false: the memory is gone
     */
    boolean findZeroes() {
        if (++touches > 2) {
            return false;
        }
        findZeroes(request().data(), 0);
        NativeMemory.settle();
        touches = 0;
        return true;
    }

    private void findZeroes(ScatterGatherList list, long skip) {
        zeroes.find(list, skip, request().offset(), request().length(), channel.chunkShift());
    }

    /** Whether what is written to a chunk was found to be all zeroes. */
    boolean isZeroes(long chunk) {
        return zeroes.has(chunk);
    }

    /** Copies what was read to the client's memory; as {@link #zeroHoles}. */
    void copyOut(long margin) {
        if (++touches > 2) {
            fail(BlockStatus.MEMORY_FAULT);
            return;
        }
        copy(copied, margin, request().data(), 0, request().length());
        NativeMemory.settle();
    }

    private static void copy(
            ScatterGatherList from, long fromSkip, ScatterGatherList to, long toSkip, long length) {
        int source = 0;
        int target = 0;
        long inSource = fromSkip;
        long inTarget = toSkip;
        long left = length;
        while (left > 0) {
            if (inSource >= from.length(source)) {
                inSource -= from.length(source++);
            } else if (inTarget >= to.length(target)) {
                inTarget -= to.length(target++);
            } else {
                long step = Math.min(from.length(source) - inSource, to.length(target) - inTarget);
                step = Math.min(step, left);
                NativeMemory.copy(
                        from.address(source) + inSource, to.address(target) + inTarget, step);
                inSource += step;
                inTarget += step;
                left -= step;
            }
        }
    }

    /** Whether it has what others may wait for: memory of ours, or blocks that are locked. */
    boolean holdsOthersUp() {
        return summed != null || !copies.isEmpty();
    }

    /** Gives all that back; the client's memory is copied anew before it goes on. */
    void stepBack() {
        SummedOp here = summed;
        if (here != null) {
            here.stepBack();
        }
        dropCopy();
    }

    /** Gives memory of ours back. */
    void dropCopy() {
        if (!copies.end()) {
            copies = new Loan();
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
        copyOut(0);
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
        holes[holeWords++] = at - base;
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
            zero(data, holes[i], holes[i + 1]);
        }
        NativeMemory.settle();
        holeWords = 0;
        touches = 0;
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
