package io.vireo.fabric.storage.move;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.Optional;

/**
 * A range that is being copied: read whole, then written run by run, where a run is all zeroes or
 * is not. Zeroes are written only where the target may hold something else. On the way through a
 * target that holds an earlier state, what that has is read too, and only what differs is written:
 * all else stays shared with snapshots there.
 */
final class CopyUnit implements AutoCloseable {
    /** Bytes of one at most. */
    static final int BYTES = 256 << 10;

    /** Zeroes are looked for in pieces of so many bytes: no pool has smaller chunks. */
    private static final int PIECE = 16 << 10;

    /** What is to be done with a piece. */
    private enum Piece {
        KEPT,
        ZEROES,
        DATA
    }

    private final Copier copier;
    private final OwnMemory memory = OwnMemory.allocate(BYTES);

    /** What the target holds, if that may be something. */
    private final Optional<OwnMemory> before;

    private final BlockRequest read = new BlockRequest(0, this::readEnded);
    private final BlockRequest write = new BlockRequest(1, this::writeEnded);
    private boolean active;
    private boolean through;
    private boolean compared;
    private long start;
    private int length;
    private int at;
    private int runEnd;
    private int dataBytes;

    /**
     * @param compares whether the target holds something from the beginning
     */
    CopyUnit(Copier copier, boolean compares) {
        this.copier = copier;
        before = compares ? Optional.of(OwnMemory.allocate(BYTES)) : Optional.empty();
    }

    /** Whether it is under way. */
    boolean isActive() {
        return active;
    }

    /** Whether it is on the way through, and not for what was changed behind that. */
    boolean isThrough() {
        return through;
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
     * @param isThrough whether it is on the way through: the target holds there what it did at the
     *     beginning
     */
    void begin(long newStart, int newLength, boolean isThrough) {
        active = true;
        through = isThrough;
        compared = false;
        start = newStart;
        length = newLength;
        at = 0;
        dataBytes = 0;
        read.prepare(BlockOperation.READ, start, length);
        read.data().add(memory.address(), length);
        copier.submitRead(read);
    }

    private void readEnded(BlockRequest ended) {
        if (ended.status() != BlockStatus.OK) {
            active = false;
            copier.failed(this, !compared, ended.status(), start);
        } else if (through && before.isPresent() && !compared) {
            compared = true;
            read.prepare(BlockOperation.READ, start, length);
            read.data().add(before.get().address(), length);
            copier.submitCompare(read);
        } else {
            nextRun();
        }
    }

    private void nextRun() {
        while (at < length) {
            Piece piece = piece(at);
            runEnd = pieceEnd(at);
            while (runEnd < length && piece(runEnd) == piece) {
                runEnd = pieceEnd(runEnd);
            }
            if (piece == Piece.DATA) {
                dataBytes += runEnd - at;
                write.prepare(BlockOperation.WRITE, start + at, runEnd - at);
                write.data().add(memory.address() + at, runEnd - at);
                copier.submitWrite(write);
                return;
            }
            if (piece == Piece.ZEROES) {
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

    private Piece piece(int from) {
        boolean zero = isZero(from);
        if (through) {
            boolean same = before.isPresent() ? isSame(from, before.get().address()) : zero;
            if (same) {
                return Piece.KEPT;
            }
        }
        return zero ? Piece.ZEROES : Piece.DATA;
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

    private boolean isSame(int from, long other) {
        int end = pieceEnd(from);
        long any = 0;
        for (int i = from; i < end && any == 0; i += 64) {
            for (int j = 0; j < 64; j += Long.BYTES) {
                any |=
                        NativeMemory.getLong(memory.address() + i + j)
                                ^ NativeMemory.getLong(other + i + j);
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
        before.ifPresent(OwnMemory::close);
    }
}
