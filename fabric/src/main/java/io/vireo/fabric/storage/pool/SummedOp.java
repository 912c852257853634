package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.crypto.VolumeCipher;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import io.vireo.memory.ScatterGatherList;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The way of a request through a volume with checksums. All data goes through memory of our own: a
 * guest could change its memory between the disk and the checksum.
 *
 * <p>A change locks its blocks, so that there is one write to each at a time. Of a block that it
 * changes in part it reads the whole, verifies it, and writes the whole. A read locks nothing. If
 * its data does not match, that may be because of a change that was under way: it is read again
 * with the blocks locked, and only what does not match then is wrong.
 */
final class SummedOp {
    private enum Phase {
        /** Read, without a lock. */
        READ,
        /** Read with the blocks locked. */
        READ_ALONE,
        /** Read a block that is changed in part. */
        EDGE,
        /** Write that block, of a range that is zeroed. */
        EDGE_WRITE,
        /** Carry the change out. */
        MAIN
    }

    private static final int BLOCK = PoolFormat.BLOCK;

    private final Sums sums;
    private final VolumeRequest op;
    private final VolumeSums checks;
    private final ScatterGatherList edgeData = new ScatterGatherList(1);
    private @Nullable OwnMemory edge;
    private Phase phase = Phase.READ;

    /** Blocks that it reads or changes, as a range of bytes. */
    private long from;

    private long end;

    /** Where a change ends, by the capacity that the volume had when it came. */
    private long stop;

    /** The block that is changed in part, in bytes. */
    private long edgeAt;

    /** Whether the block at the beginning, and at the end, have been dealt with. */
    private boolean headDone;

    private boolean tailDone;

    /** The next block to verify. */
    private long cursor;

    /**
     * The first block that did not match when it was read without a lock, and the end of the last
     * one: all their copies are looked at.
     */
    private long suspectFrom;

    private long suspectEnd;

    private boolean locked;

    /** Whether what was read has been deciphered: checksums are of what is on disk. */
    private boolean deciphered;

    private @Nullable Runnable whenDone;

    SummedOp(Sums sums, VolumeRequest op, VolumeSums checks) {
        this.sums = sums;
        this.op = op;
        this.checks = checks;
    }

    long from() {
        return from;
    }

    long end() {
        return end;
    }

    private boolean isRead() {
        return op.request().operation() == BlockOperation.READ;
    }

    private boolean carriesData() {
        return isRead() || op.request().operation() == BlockOperation.WRITE;
    }

    private static long down(long at) {
        return at & -BLOCK;
    }

    private static long up(long at) {
        return at + BLOCK - 1 & -BLOCK;
    }

    /** Where it ends; of what is zeroed up to the volume's end, where its last block does. */
    private long wantedEnd() {
        BlockRequest request = op.request();
        long wanted = request.offset() + request.length();
        // What is behind the volume's end is zeroes, and is to be.
        boolean zeroes = request.operation() != BlockOperation.WRITE;
        return zeroes && wanted >= op.volume().capacity ? up(wanted) : wanted;
    }

    private boolean isWhole(long wanted) {
        return ((op.request().offset() | wanted) & BLOCK - 1) == 0;
    }

    /** Buffers that it needs. */
    int buffersNeeded() {
        BlockRequest request = op.request();
        int edges = isRead() || isWhole(wantedEnd()) ? 0 : 1;
        return carriesData()
                ? edges
                        + WriteBuffers.count(
                                up(request.offset() + request.length()) - down(request.offset()))
                : edges;
    }

    /** Takes memory, and copies what the client writes; false: its memory is gone. */
    boolean takeIn(WriteBuffers buffers) {
        BlockRequest request = op.request();
        from = down(request.offset());
        end = up(request.offset() + request.length());
        stop = wantedEnd();
        whenDone = null;
        if (!isRead() && !isWhole(stop) && edge == null) {
            edge = buffers.take();
        }
        if (!carriesData()) {
            return true;
        }
        op.takeBuffers(buffers, end - from, from);
        if (isRead()) {
            deciphered = false;
            return true;
        }
        boolean there = op.copyIn(request.offset() - from);
        VolumeCipher cipher = op.volume().cipher;
        if (there && cipher != null) {
            edgeData.clear();
            edgeData.addSlice(op.copied(), request.offset() - from, request.length());
            cipher.encrypt(edgeData, request.offset());
        }
        return there;
    }

    /** Copies what was read to the client, and gives the memory back that the request has not. */
    void takeOut() {
        if (isRead() && op.status == BlockStatus.OK) {
            VolumeCipher cipher = op.volume().cipher;
            if (cipher != null && !deciphered) {
                // Once, also if the client's memory is gone and this is done again.
                cipher.decrypt(op.copied(), from);
                deciphered = true;
            }
            op.copyOut(op.request().offset() - from);
        }
        giveEdge();
    }

    private void giveEdge() {
        OwnMemory memory = edge;
        edge = null;
        if (memory != null) {
            sums.engine().writeBuffers().give(memory);
        }
    }

    /**
     * Reads and verifies blocks for the pool itself; what is wrong is told as for any client.
     *
     * @param allCopies whether to look at each copy of each block
     */
    void readOwn(boolean allCopies, Runnable then) {
        from = op.request().offset();
        end = from + op.request().length();
        whenDone = then;
        locked = false;
        suspectFrom = from;
        suspectEnd = allCopies ? end : from;
        op.takeBuffers(sums.engine().writeBuffers(), end - from, from);
        lock();
    }

    /** What is stored for a block that it has written. */
    int written(long at) {
        if (phase == Phase.EDGE_WRITE) {
            return Sums.stored(Objects.requireNonNull(edge), 0);
        }
        return Sums.stored(op.buffer(at - from), (int) ((at - from) % WriteBuffers.BYTES));
    }

    /** Begins. */
    void submit() {
        locked = false;
        suspectFrom = from;
        suspectEnd = from;
        headDone = false;
        tailDone = false;
        BlockOperation operation = op.request().operation();
        BlockStatus refusal = sums.engine().path().refusal(op, operation);
        if (refusal != BlockStatus.OK) {
            op.fail(refusal);
            finish();
            return;
        }
        switch (operation) {
            case READ -> read(Phase.READ);
            case FLUSH, ALLOCATE -> finish();
            case DISCARD -> {
                from = up(op.request().offset());
                end = down(stop);
                if (from < end) {
                    lock();
                } else {
                    finish();
                }
            }
            case WRITE, WRITE_ZEROES -> lock();
        }
    }

    private void lock() {
        locked = true;
        if (checks.lock(this)) {
            begin();
        }
    }

    /** The blocks are locked. */
    void begin() {
        boolean reads = isRead() || (!isWhole(stop) && carriesNoDiscard());
        if (reads && !op.entered) {
            if (op.volume().barrier != null) {
                // What is read must not be made another by what the barrier is for.
                sums.later(this);
                return;
            }
            op.entered = true;
            op.volume().active++;
        }
        if (isRead()) {
            read(Phase.READ_ALONE);
        } else {
            next();
        }
    }

    private boolean carriesNoDiscard() {
        return op.request().operation() != BlockOperation.DISCARD;
    }

    private void read(Phase next) {
        phase = next;
        cursor = from;
        op.outstanding = 1;
        sums.engine().path().read(op, from, end);
        sums.engine().path().ended(op);
    }

    /** What is next of a change. */
    private void next() {
        BlockRequest request = op.request();
        boolean zeroes = request.operation() == BlockOperation.WRITE_ZEROES;
        if (request.operation() == BlockOperation.DISCARD) {
            main(from, end);
        } else if (!headDone && request.offset() % BLOCK != 0) {
            headDone = true;
            // One block may be both.
            tailDone = end - from == BLOCK;
            readEdge(from);
        } else if (!tailDone && stop % BLOCK != 0) {
            tailDone = true;
            readEdge(end - BLOCK);
        } else if (!zeroes) {
            op.data(op.copied(), from);
            main(from, end);
        } else {
            long first = up(request.offset());
            long last = down(stop);
            if (first < last) {
                main(first, last);
            } else {
                finish();
            }
        }
    }

    private void readEdge(long at) {
        phase = Phase.EDGE;
        edgeAt = at;
        cursor = at;
        edgeData.clear();
        edgeData.add(Objects.requireNonNull(edge).address(), BLOCK);
        op.data(edgeData, at);
        op.outstanding = 1;
        op.operation = BlockOperation.READ;
        sums.engine().path().read(op, at, at + BLOCK);
        op.operation = op.request().operation();
        sums.engine().path().ended(op);
    }

    private void main(long first, long last) {
        phase = Phase.MAIN;
        boolean alone = (headDone | tailDone) && op.operation == BlockOperation.WRITE_ZEROES;
        op.direct = op.request().forceUnitAccess() && !alone && sums.engine().committer().isIdle();
        change(first, last);
    }

    private void change(long first, long last) {
        op.outstanding = 1;
        if (sums.engine().health().isFrozen()) {
            op.fail(BlockStatus.IO_ERROR);
        } else {
            sums.engine().path().change(op, first, last);
        }
        sums.engine().path().ended(op);
    }

    /** All that was begun has ended. */
    void advance() {
        if (op.status != BlockStatus.OK) {
            finish();
            return;
        }
        switch (phase) {
            case READ -> {
                op.zeroHoles();
                if (nextWrong() < 0) {
                    finish();
                } else {
                    suspect();
                    lock();
                }
            }
            case READ_ALONE, EDGE -> {
                op.zeroHoles();
                verify();
            }
            case EDGE_WRITE -> {
                op.operation = op.request().operation();
                next();
            }
            case MAIN -> finish();
        }
    }

    private long verifiedEnd() {
        return phase == Phase.EDGE ? edgeAt + BLOCK : end;
    }

    /** The first block from the cursor on that does not match; -1: none. */
    private long nextWrong() {
        for (long at = cursor; at < verifiedEnd(); at += BLOCK) {
            if (!sums.matches(op.volume(), at / BLOCK, memory(at), offset(at))) {
                return at;
            }
        }
        return -1;
    }

    private void suspect() {
        suspectFrom = nextWrong();
        for (long at = suspectFrom; at >= 0; at = nextWrong()) {
            cursor = at + BLOCK;
            suspectEnd = cursor;
        }
    }

    /** The first block from the cursor on that needs a close look; -1: none. */
    private long nextSuspect() {
        for (long at = cursor; at < verifiedEnd(); at += BLOCK) {
            boolean suspected = phase != Phase.EDGE && at >= suspectFrom && at < suspectEnd;
            if (suspected && sums.hasCopies(op.volume(), at / BLOCK)
                    || !sums.matches(op.volume(), at / BLOCK, memory(at), offset(at))) {
                return at;
            }
        }
        return -1;
    }

    private OwnMemory memory(long at) {
        return phase == Phase.EDGE ? Objects.requireNonNull(edge) : op.buffer(at - from);
    }

    private int offset(long at) {
        return phase == Phase.EDGE ? 0 : (int) ((at - from) % WriteBuffers.BYTES);
    }

    private void verify() {
        for (long at = nextSuspect(); at >= 0; at = nextSuspect()) {
            cursor = at + BLOCK;
            long block = at / BLOCK;
            if (!sums.adopt(op.volume(), block, memory(at), offset(at))) {
                sums.rescue(op.volume(), block, memory(at), offset(at), this::rescued);
                return;
            }
        }
        verified();
    }

    private void rescued(boolean success) {
        if (!success) {
            op.fail(BlockStatus.IO_ERROR);
        }
        verify();
    }

    private void verified() {
        if (op.status != BlockStatus.OK) {
            finish();
            return;
        }
        boolean edged = phase == Phase.EDGE;
        sums.known(op.volume(), edged ? edgeAt : from, verifiedEnd());
        if (!edged) {
            finish();
        } else if (op.request().operation() == BlockOperation.WRITE) {
            merge();
            next();
        } else {
            zeroEdge();
        }
    }

    /** Puts what a write leaves of a block around what it writes. */
    private void merge() {
        BlockRequest request = op.request();
        long source = Objects.requireNonNull(edge).address();
        long target = op.buffer(edgeAt - from).address() + (edgeAt - from) % WriteBuffers.BYTES;
        int before = (int) Math.max(0, request.offset() - edgeAt);
        int behind = (int) Math.min(BLOCK, stop - edgeAt);
        NativeMemory.copy(source, target, before);
        NativeMemory.copy(source + behind, target + behind, BLOCK - behind);
    }

    private void zeroEdge() {
        BlockRequest request = op.request();
        OwnMemory memory = Objects.requireNonNull(edge);
        int first = (int) Math.max(0, request.offset() - edgeAt);
        int last = (int) Math.min(BLOCK, request.offset() + request.length() - edgeAt);
        memory.fill(first, last - first, (byte) 0);
        phase = Phase.EDGE_WRITE;
        op.operation = BlockOperation.WRITE;
        op.direct = false;
        change(edgeAt, edgeAt + BLOCK);
    }

    /**
     * It waits for room, and begins anew when there is some: nobody is to wait for it meanwhile.
     */
    void stepBack() {
        leave();
        giveEdge();
    }

    private void leave() {
        op.operation = op.request().operation();
        if (locked) {
            locked = false;
            sums.unlock(checks, this);
        }
        if (op.entered) {
            op.entered = false;
            sums.engine().path().settled(op.volume());
        }
    }

    private void finish() {
        leave();
        Runnable then = whenDone;
        if (then == null) {
            sums.engine().path().finish(op);
        } else {
            giveEdge();
            op.dropCopy();
            then.run();
        }
    }
}
