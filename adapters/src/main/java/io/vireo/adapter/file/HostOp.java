package io.vireo.adapter.file;

import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.linux.Errno;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.IovecArray;
import io.vireo.linux.NativeBuffer;
import io.vireo.memory.ScatterGatherList;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One request on its way through a channel, and the operation on the file that it is at. An engine
 * reads what to do from the accessors and calls {@link #finished}; the rest is the channel's.
 */
public final class HostOp {
    /** What the kernel is asked for. */
    public enum Kind {
        /** Fill {@link #list} from the file. */
        READ,
        /** Store {@link #list} in the file. */
        WRITE,
        /** fdatasync(2). */
        SYNC,
        /** fallocate(2), FALLOC_FL_PUNCH_HOLE. */
        PUNCH_HOLE,
        /** fallocate(2), FALLOC_FL_ZERO_RANGE. */
        ZERO_RANGE,
        /** fallocate(2), of what is not allocated yet. */
        ALLOCATE
    }

    /** Where a request is. */
    enum Stage {
        /** There is no request. */
        IDLE,
        /** The next operation is to be started. */
        STEP,
        /** It waits for a buffer, or for a flush that serves others before it. */
        WAITING,
        /** An operation is in the kernel. */
        STARTED,
        /** An operation ended, its result is to be looked at. */
        RESULT,
        /** The request has ended and is to be completed. */
        ENDED
    }

    private final ImageChannel channel;

    /** Engine's own data, kept with the operation so that starting it allocates nothing. */
    private @Nullable Object attachment;

    private int ticket;

    Kind kind = Kind.READ;
    ScatterGatherList list = new ScatterGatherList(1);
    long listOffset;
    long position;
    long bytes;
    long result;

    Stage stage = Stage.IDLE;
    private @Nullable BlockRequest request;
    BlockStatus status = BlockStatus.OK;

    /** Bytes of the request that are done. */
    long progress;

    private int retries;

    /** Attempts to touch the client's memory that were not seen to end. */
    private int touches;

    boolean zeroing;
    boolean misaligned;
    @Nullable NativeBuffer bounce;
    @Nullable HostOp next;

    /** The list of {@link #bounce} or of zeroes. */
    final ScatterGatherList own = new ScatterGatherList(1);

    HostOp(ImageChannel channel) {
        this.channel = channel;
    }

    public Kind kind() {
        return kind;
    }

    /** The file's descriptor. */
    public int fd() {
        return channel.fd();
    }

    /** First byte in the file. */
    public long position() {
        return position;
    }

    /** How many bytes; the engine may do less of a READ or WRITE. */
    public long bytes() {
        return bytes;
    }

    /** Ranges in memory of READ and WRITE, from {@link #listOffset} bytes into the list. */
    public ScatterGatherList list() {
        return list;
    }

    public long listOffset() {
        return listOffset;
    }

    /** Whether the whole of {@link #bytes} is in one range of memory. */
    public boolean single() {
        return list.count() == 1;
    }

    /** Address of the first byte where {@link #single}. */
    public long address() {
        return list.address(0) + listOffset;
    }

    /**
     * Fills {@code iovecs} from entry {@code first} on, as far as one system call may go.
     *
     * @return number of entries
     */
    public int fill(IovecArray iovecs, int first) {
        int room = Math.min(IovecArray.UIO_MAXIOV, iovecs.capacity() - first);
        long skip = listOffset;
        long left = bytes;
        int count = 0;
        for (int i = 0; left > 0 && count < room; i++) {
            int length = list.length(i);
            if (skip >= length) {
                skip -= length;
                continue;
            }
            long take = Math.min(left, length - skip);
            iovecs.set(first + count, list.address(i) + skip, take);
            skip = 0;
            left -= take;
            count++;
        }
        return count;
    }

    /** The engine's number for this operation while it is in the kernel. */
    public int ticket() {
        return ticket;
    }

    public void ticket(int value) {
        ticket = value;
    }

    /** What the engine attached. */
    public @Nullable Object attachment() {
        return attachment;
    }

    public void attach(Object value) {
        attachment = value;
    }

    /**
     * Ends the operation.
     *
     * @param value the system call's result: a count, 0, or -errno
     */
    public void finished(long value) {
        // Told twice where a turn was cut off between this and the engine's own bookkeeping.
        if (stage == Stage.STARTED) {
            result = value;
            stage = Stage.RESULT;
            channel.ready(this);
        }
    }

    /** Takes a request. */
    void begin(BlockRequest newRequest, int maxRetries) {
        request = newRequest;
        status = BlockStatus.OK;
        progress = 0;
        retries = maxRetries;
        touches = 0;
        zeroing = false;
        misaligned = false;
        next = null;
        stage = Stage.STEP;
    }

    BlockRequest request() {
        return Objects.requireNonNull(request);
    }

    /** Ends the request; the channel completes it in its next poll. */
    void end(BlockStatus how) {
        status = how;
        stage = Stage.ENDED;
    }

    /** Whether to try again after this error. */
    boolean retry(int errno) {
        return (errno == Errno.EAGAIN || errno == Errno.EINTR) && retries-- > 0;
    }

    /**
     * Announces that the client's memory is about to be touched. False: that failed twice, the
     * request has ended. The first time what lies behind the error may have been something else of
     * the same turn.
     */
    boolean touch() {
        if (++touches > 2) {
            end(BlockStatus.MEMORY_FAULT);
            return false;
        }
        return true;
    }

    /** The client's memory was there; throws if it was not. */
    void touched() {
        ForeignMemory.settle();
        touches = 0;
    }

    /** The buffer that it waited for is there. */
    void resumed() {
        stage = Stage.STEP;
        channel.ready(this);
    }
}
