package io.vireo.adapter.file;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.linux.Errno;
import io.vireo.linux.Fd;
import io.vireo.linux.FileExtents;
import io.vireo.linux.NativeBuffer;
import io.vireo.memory.ScatterGatherList;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One reactor's way into an image. A request is a {@link HostOp} that goes through one or more
 * operations on the file: {@link #poll} starts each, looks at its result, and completes the request
 * after the last.
 *
 * <p>Memory of a client may vanish while it is copied from or to. The {@link InternalError} cuts
 * the turn off; the next one takes the same step again, because an operation leaves the ready list
 * only when its step is done. The second time it is the request's own memory that is gone.
 */
final class ImageChannel implements BlockChannel {
    private static final int DEPTH = 256;

    /** Tries after EAGAIN or EINTR before it counts as an error. */
    private static final int RETRIES = 16;

    /** How often the buffer of zeroes is used in one operation. */
    private static final int ZEROES_AT_ONCE = 16;

    private final ImageDevice device;
    private final ImageFile image;
    private final Fd file;
    private final HostIo io;
    private final BlockMeter meter = new BlockMeter();

    private final List<HostOp> ops = new ArrayList<>();
    private final ArrayDeque<HostOp> spare = new ArrayDeque<>();
    private HostOp[] ready = new HostOp[16];
    private int readyHead;
    private int readyTail;
    private int inFlight;
    private boolean polling;
    private Runnable wake = () -> {};
    private @Nullable Runnable onClosed;

    /** The flush that is in the kernel; those that it serves too are linked to it. */
    private @Nullable HostOp syncing;

    /** Flushes that came since, linked: one will serve them all. */
    private @Nullable HostOp syncNext;

    ImageChannel(ImageDevice device, ImageFile image, Fd file, HostIo io) {
        this.device = device;
        this.image = image;
        this.file = file;
        this.io = io;
    }

    BlockMeter meter() {
        return meter;
    }

    int fd() {
        return file.number();
    }

    @Override
    public int free() {
        return DEPTH - inFlight;
    }

    @Override
    public int inFlight() {
        return inFlight;
    }

    @Override
    public void onReady(Runnable newWake) {
        wake = newWake;
    }

    @Override
    public void submit(BlockRequest request) {
        HostOp op = take();
        op.begin(request, RETRIES);
        begin(op, request);
        // System calls are for poll: one of them may throw what a client's memory is to blame for.
        if (op.stage != HostOp.Stage.WAITING) {
            ready(op);
        }
        inFlight++;
    }

    @Override
    public long mapped(long offset, long length) {
        int block = device.geometry().logicalBlockSize();
        long alike = FileExtents.alike(file.number(), offset, length);
        long hole = -alike / block * block;
        // A block that has room for a part of itself is mapped.
        return hole > 0
                ? -hole
                : Math.min(length, (Math.max(alike, 1) + block - 1) / block * block);
    }

    @Override
    public void cancel(int tag) {
        // What the engine does not have is about to move anyway.
        for (HostOp op : ops) {
            if (op.stage == HostOp.Stage.STARTED && op.request().tag() == tag) {
                io.cancel(op);
            }
        }
    }

    @Override
    public int poll() {
        polling = true;
        int work = proceedAll();
        work += io.poll();
        work += proceedAll();
        polling = false;
        closeIfDrained();
        return work;
    }

    private int proceedAll() {
        int ended = 0;
        // Only those that are there now: what the engine had no room for is put back behind them.
        for (int left = readyTail - readyHead; left > 0; left--) {
            HostOp op = ready[readyHead & (ready.length - 1)];
            proceed(op);
            readyHead++;
            if (op.stage == HostOp.Stage.ENDED) {
                retire(op);
                ended++;
            } else if (op.stage == HostOp.Stage.STEP) {
                ready(op);
            }
        }
        return ended;
    }

    @Override
    public boolean arm() {
        return readyHead == readyTail && io.arm();
    }

    @Override
    public void disarm() {
        // A wake-up too many does no harm.
    }

    @Override
    public void close(Runnable whenClosed) {
        onClosed = whenClosed;
        closeIfDrained();
    }

    /** Has the next {@link #poll} look at an operation. */
    void ready(HostOp op) {
        if (readyTail - readyHead == ready.length) {
            grow();
        }
        ready[readyTail++ & (ready.length - 1)] = op;
        if (!polling) {
            wake.run();
        }
    }

    private void grow() {
        HostOp[] larger = new HostOp[ready.length * 2];
        for (int i = readyHead; i != readyTail; i++) {
            larger[i & (larger.length - 1)] = ready[i & (ready.length - 1)];
        }
        ready = larger;
    }

    private HostOp take() {
        HostOp op = spare.poll();
        if (op == null) {
            op = new HostOp(this);
            ops.add(op);
        }
        return op;
    }

    /** Decides on the first operation. Touches no memory of the client. */
    private void begin(HostOp op, BlockRequest request) {
        BlockOperation operation = request.operation();
        if (operation != BlockOperation.READ && image.failed()) {
            op.end(BlockStatus.IO_ERROR);
            return;
        }
        if (operation == BlockOperation.FLUSH) {
            sync(op);
            return;
        }
        if (request.length() == 0) {
            op.end(BlockStatus.OK);
            return;
        }
        switch (operation) {
            case READ -> op.kind = HostOp.Kind.READ;
            case WRITE -> op.kind = HostOp.Kind.WRITE;
            case DISCARD -> op.kind = HostOp.Kind.PUNCH_HOLE;
            case WRITE_ZEROES ->
                    op.kind = request.unmap() ? HostOp.Kind.PUNCH_HOLE : HostOp.Kind.ZERO_RANGE;
            case ALLOCATE -> op.kind = HostOp.Kind.ALLOCATE;
            case FLUSH -> throw new AssertionError("has ended above");
        }
        op.misaligned = image.direct() && misaligned(request.data());
    }

    private boolean misaligned(ScatterGatherList data) {
        long all = 0;
        for (int i = 0; i < data.count(); i++) {
            all |= data.address(i) & (image.memoryAlignment() - 1);
            all |= data.length(i) & (image.offsetAlignment() - 1);
        }
        return all != 0;
    }

    private void proceed(HostOp op) {
        if (op.stage == HostOp.Stage.RESULT) {
            look(op);
        }
        if (op.stage == HostOp.Stage.STEP) {
            step(op);
        }
    }

    /** Starts the operation that {@code op.kind} says; it stays a STEP if there is no room. */
    private void step(HostOp op) {
        switch (op.kind) {
            case READ, WRITE -> {
                if (!placeData(op)) {
                    return;
                }
            }
            case SYNC -> op.bytes = 0;
            case PUNCH_HOLE, ZERO_RANGE, ALLOCATE -> {
                op.position = op.request().offset();
                op.bytes = op.request().length();
            }
        }
        if (io.start(op)) {
            op.stage = HostOp.Stage.STARTED;
        }
    }

    /**
     * Says where in memory the next piece of the data is. False: it waits for a buffer, or ended.
     */
    private boolean placeData(HostOp op) {
        BlockRequest request = op.request();
        long left = request.length() - op.progress;
        op.position = request.offset() + op.progress;
        op.listOffset = 0;
        if (op.zeroing) {
            BouncePool bounces = io.bounces();
            op.own.clear();
            for (int i = 0; i < ZEROES_AT_ONCE; i++) {
                op.own.add(bounces.zeroesAddress(), bounces.zeroesLength());
            }
            op.list = op.own;
            op.bytes = Math.min(left, op.own.total());
            return true;
        }
        if (op.misaligned) {
            return placeBounced(op, (int) Math.min(left, BouncePool.SIZE));
        }
        op.list = request.data();
        op.listOffset = op.progress;
        op.bytes = left;
        return true;
    }

    private boolean placeBounced(HostOp op, int length) {
        if (op.bounce == null) {
            op.bounce = io.bounces().take(op);
        }
        NativeBuffer buffer = op.bounce;
        if (buffer == null) {
            op.stage = HostOp.Stage.WAITING;
            return false;
        }
        if (op.kind == HostOp.Kind.WRITE) {
            if (!op.touch()) {
                return false;
            }
            ScatterGatherList data = op.request().data();
            ClientMemory.gather(data, op.progress, buffer.address(), length);
            op.touched();
        }
        op.own.clear();
        op.own.add(buffer.address(), length);
        op.list = op.own;
        op.bytes = length;
        return true;
    }

    private void look(HostOp op) {
        switch (op.kind) {
            case READ -> lookAtRead(op);
            case WRITE -> lookAtWrite(op);
            case SYNC -> lookAtSync(op);
            case PUNCH_HOLE, ZERO_RANGE, ALLOCATE -> lookAtAllocation(op);
        }
    }

    private void lookAtRead(HostOp op) {
        long done = op.result;
        if (done < 0) {
            failTransfer(op, (int) -done);
            return;
        }
        long length = op.request().length();
        ScatterGatherList data = op.request().data();
        NativeBuffer buffer = op.bounce;
        long whole = op.progress + done == length ? done : done - done % image.offsetAlignment();
        boolean ended = whole == 0;
        if (buffer != null || ended) {
            if (!op.touch()) {
                return;
            }
            if (buffer != null) {
                ClientMemory.scatter(buffer.address(), data, op.progress, done);
            }
            if (ended) {
                // The file is shorter than the device: what is missing reads as zeroes.
                ClientMemory.zero(data, op.progress + done, length - op.progress - done);
            }
            op.touched();
        }
        op.progress = ended ? length : op.progress + whole;
        if (op.progress == length) {
            op.end(BlockStatus.OK);
        } else {
            op.stage = HostOp.Stage.STEP;
        }
    }

    private void lookAtWrite(HostOp op) {
        long done = op.result;
        if (done < 0) {
            failTransfer(op, (int) -done);
            return;
        }
        long length = op.request().length();
        long whole = op.progress + done == length ? done : done - done % image.offsetAlignment();
        if (whole == 0) {
            op.end(BlockStatus.IO_ERROR);
            return;
        }
        op.progress += whole;
        if (op.progress < length) {
            op.stage = HostOp.Stage.STEP;
        } else {
            endWrite(op);
        }
    }

    private void lookAtAllocation(HostOp op) {
        int errno = (int) -op.result;
        if (errno == 0) {
            endWrite(op);
        } else if (op.retry(errno)) {
            op.stage = HostOp.Stage.STEP;
        } else if (op.request().operation() == BlockOperation.ALLOCATE) {
            // Only a hint: whoever writes there is told.
            op.end(BlockStatus.OK);
        } else if (errno != Errno.EOPNOTSUPP) {
            op.end(statusOf(errno));
        } else if (op.request().operation() == BlockOperation.DISCARD) {
            // Only a hint: the blocks keep what they have.
            op.end(BlockStatus.OK);
        } else {
            op.zeroing = true;
            op.kind = HostOp.Kind.WRITE;
            op.stage = HostOp.Stage.STEP;
        }
    }

    private void failTransfer(HostOp op, int errno) {
        boolean again = op.retry(errno);
        if (!again && errno == Errno.EINVAL && image.direct() && !op.misaligned && !op.zeroing) {
            // Alignment that statx did not tell of.
            op.misaligned = true;
            again = true;
        }
        if (again) {
            op.stage = HostOp.Stage.STEP;
        } else {
            op.end(statusOf(errno));
        }
    }

    private void endWrite(HostOp op) {
        if (op.request().forceUnitAccess()) {
            sync(op);
        } else {
            op.end(BlockStatus.OK);
        }
    }

    /**
     * Flushes, or joins those that wait for the next flush. One at a time: of two at once the
     * kernel tells only one that writing back has failed.
     */
    private void sync(HostOp op) {
        op.kind = HostOp.Kind.SYNC;
        op.next = null;
        if (syncing == null) {
            syncing = op;
            op.stage = HostOp.Stage.STEP;
        } else {
            op.next = syncNext;
            syncNext = op;
            op.stage = HostOp.Stage.WAITING;
        }
    }

    private void lookAtSync(HostOp op) {
        int errno = (int) -op.result;
        if (errno == Errno.EINTR && op.retry(errno)) {
            op.stage = HostOp.Stage.STEP;
            return;
        }
        if (errno != 0) {
            image.fail();
        }
        // Another channel's flush may have failed meanwhile: then this one's success proves
        // nothing.
        BlockStatus status = image.failed() ? failureOf(errno) : BlockStatus.OK;
        HostOp follower = op.next;
        op.next = null;
        op.end(status);
        endAll(follower, status);
        HostOp next = syncNext;
        syncNext = null;
        if (next != null && image.failed()) {
            syncing = null;
            endAll(next, BlockStatus.IO_ERROR);
        } else {
            syncing = next;
            if (next != null) {
                next.stage = HostOp.Stage.STEP;
                ready(next);
            }
        }
    }

    private static BlockStatus failureOf(int errno) {
        return errno == 0 ? BlockStatus.IO_ERROR : statusOf(errno);
    }

    private void endAll(@Nullable HostOp first, BlockStatus status) {
        for (HostOp op = first; op != null; ) {
            HostOp next = op.next;
            op.next = null;
            op.end(status);
            ready(op);
            op = next;
        }
    }

    private void retire(HostOp op) {
        BlockRequest request = op.request();
        BlockStatus status = op.status;
        if (op.bounce != null) {
            NativeBuffer buffer = op.bounce;
            op.bounce = null;
            io.bounces().give(buffer);
        }
        op.stage = HostOp.Stage.IDLE;
        spare.push(op);
        inFlight--;
        meter.count(request, status);
        if (status == BlockStatus.NO_SPACE) {
            device.noSpace();
        }
        request.complete(status);
    }

    private void closeIfDrained() {
        Runnable whenClosed = onClosed;
        if (whenClosed != null && inFlight == 0) {
            onClosed = null;
            file.close();
            io.release();
            device.channelClosed(meter);
            whenClosed.run();
        }
    }

    /** What a client is told of an error number. */
    private static BlockStatus statusOf(int errno) {
        return switch (errno) {
            case Errno.EFAULT -> BlockStatus.MEMORY_FAULT;
            case Errno.ENOSPC, Errno.EDQUOT -> BlockStatus.NO_SPACE;
            case Errno.EOPNOTSUPP -> BlockStatus.UNSUPPORTED;
            case Errno.ECANCELED -> BlockStatus.CANCELLED;
            case Errno.EROFS -> BlockStatus.READ_ONLY;
            default -> BlockStatus.IO_ERROR;
        };
    }
}
