package io.vireo.fabric.storage.move;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;

/**
 * A range that is being copied: read whole, then written run by run, where a run is all zeroes or
 * is not. Zeroes are written only where the target may hold something else.
 */
final class CopyUnit implements AutoCloseable {
    /** Bytes of one at most. */
    static final int BYTES = 256 << 10;

    /** Zeroes are looked for in pieces of so many bytes: no pool has smaller chunks. */
    private static final int PIECE = 16 << 10;

    private final Copier copier;
    private final OwnMemory memory = OwnMemory.allocate(BYTES);
    private final BlockRequest read = new BlockRequest(0, this::readEnded);
    private final BlockRequest write = new BlockRequest(1, this::writeEnded);
    private boolean active;
    private boolean fresh;
    private long start;
    private int length;
    private int at;
    private int runEnd;
    private int dataBytes;

    CopyUnit(Copier copier) {
        this.copier = copier;
    }

    /** Whether it is under way. */
    boolean isActive() {
        return active;
    }

    /** Whether it is on the way through, where the target has nothing yet. */
    boolean isFresh() {
        return fresh;
    }

    long start() {
        return start;
    }

    long end() {
        return start + length;
    }

    /**
     * Begins.
     *
     * @param isFresh whether the target reads as zeroes there
     */
    void begin(long newStart, int newLength, boolean isFresh) {
        active = true;
        fresh = isFresh;
        start = newStart;
        length = newLength;
        at = 0;
        dataBytes = 0;
        read.prepare(BlockOperation.READ, start, length);
        read.data().add(memory.address(), length);
        copier.submitRead(read);
    }

    private void readEnded(BlockRequest ended) {
        if (ended.status() == BlockStatus.OK) {
            nextRun();
        } else {
            active = false;
            copier.failed(this, true, ended.status(), start);
        }
    }

    private void nextRun() {
        while (at < length) {
            boolean zero = isZero(at);
            runEnd = pieceEnd(at);
            while (runEnd < length && isZero(runEnd) == zero) {
                runEnd = pieceEnd(runEnd);
            }
            if (!zero) {
                dataBytes += runEnd - at;
                write.prepare(BlockOperation.WRITE, start + at, runEnd - at);
                write.data().add(memory.address() + at, runEnd - at);
                copier.submitWrite(write);
                return;
            }
            if (!fresh) {
                write.prepare(BlockOperation.WRITE_ZEROES, start + at, runEnd - at).unmap(true);
                copier.submitWrite(write);
                return;
            }
            at = runEnd;
        }
        active = false;
        copier.copied(this, dataBytes);
    }

    private int pieceEnd(int from) {
        return Math.min(length, (from / PIECE + 1) * PIECE);
    }

    private boolean isZero(int from) {
        int end = pieceEnd(from);
        long any = 0;
        // Lengths are multiples of the block size.
        for (int i = from; i < end && any == 0; i += 64) {
            for (int j = 0; j < 64; j += Long.BYTES) {
                any |= NativeMemory.getLong(memory.address() + i + j);
            }
        }
        return any == 0;
    }

    private void writeEnded(BlockRequest ended) {
        if (ended.status() != BlockStatus.OK) {
            active = false;
            copier.failed(this, false, ended.status(), ended.offset());
            return;
        }
        at = runEnd;
        nextRun();
    }

    @Override
    public void close() {
        memory.close();
    }
}
