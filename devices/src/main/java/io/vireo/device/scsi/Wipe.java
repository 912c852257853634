package io.vireo.device.scsi;

import io.vireo.block.BlockCompletion;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Overwrites all of the medium, in the background: what SANITIZE and FORMAT UNIT do. It goes on
 * when the command that asked for it is aborted, or the unit is reset (SBC-3, 4.11.3).
 */
final class Wipe implements BlockCompletion {
    private static final int CHUNK = 1 << 20;

    /** What it is, and what initiators are told meanwhile, and if it comes to no end. */
    enum Kind {
        SANITIZE(Sense.NOT_READY_SANITIZE, Sense.SANITIZE_FAILED, "SANITIZE"),
        FORMAT(Sense.NOT_READY_FORMAT, Sense.MEDIUM_FORMAT_CORRUPTED, "FORMAT UNIT");

        private final int underWay;
        private final int failure;
        private final String command;

        Kind(int underWay, int failure, String command) {
            this.underWay = underWay;
            this.failure = failure;
            this.command = command;
        }

        /** The one of this name; the graver one where it is not known. */
        static Kind of(String name) {
            return name.equals(FORMAT.name()) ? FORMAT : SANITIZE;
        }

        int underWay() {
            return underWay;
        }

        int failure() {
            return failure;
        }

        String command() {
            return command;
        }
    }

    private final LogicalUnit unit;
    private final Kind kind;
    private final byte[] pattern;
    private final boolean invert;
    private final BlockRequest request;
    private int passes;
    private @Nullable OwnMemory memory;
    private @Nullable Slot waiter;
    private long position;
    private boolean flushing;
    private boolean closed;

    /**
     * A wipe that has not begun.
     *
     * @param pattern what each block is filled with, again and again; empty: zeroes that may be
     *     deallocated
     * @param passes how often
     * @param invert whether each pass writes the complement of the one before
     */
    Wipe(LogicalUnit unit, Kind kind, byte[] pattern, int passes, boolean invert) {
        this.unit = unit;
        this.kind = kind;
        this.pattern = pattern.clone();
        this.passes = passes;
        this.invert = invert;
        request = new BlockRequest(LogicalUnit.MAX_TASKS, this);
    }

    Kind kind() {
        return kind;
    }

    /** Begins; {@code slot} ends with it, or when it has begun if that wants no other answer. */
    void begin(Slot slot, boolean immediate) {
        unit.tasks().background(slot);
        waiter = slot;
        slot.onAbort = () -> waiter = null;
        unit.condition().beginWipe(this, onUnit(saved -> begun(saved, immediate)));
    }

    private Consumer<Boolean> onUnit(Consumer<Boolean> then) {
        return saved ->
                unit.owner()
                        .execute(() -> {
                            if (!closed) {
                                then.accept(saved);
                            }
                        });
    }

    private void begun(boolean saved, boolean immediate) {
        if (!saved) {
            unit.condition().abandonWipe();
            answer(Sense.INTERNAL_TARGET_FAILURE);
            return;
        }
        if (immediate) {
            answer(Sense.NONE);
        }
        if (pattern.length > 0) {
            fill();
        }
        next();
    }

    private void fill() {
        int block = unit.blockSize();
        int length = (int) Math.min(CHUNK, unit.geometry().capacity());
        var made = OwnMemory.allocate(length);
        byte[] one = new byte[block];
        for (int i = 0; i < block; i++) {
            one[i] = pattern[i % pattern.length];
        }
        for (int at = 0; at + block <= length; at += block) {
            made.put(at, one);
        }
        memory = made;
    }

    private void next() {
        long capacity = unit.geometry().capacity();
        if (position == capacity) {
            if (--passes > 0) {
                again();
            } else {
                flushing = true;
                unit.io().submit(request.prepare(BlockOperation.FLUSH, 0, 0));
                return;
            }
        }
        unit.condition().wiped((int) ((double) position / capacity * 0x1_0000));
        OwnMemory filled = memory;
        long length =
                Math.min(
                        capacity - position,
                        filled == null ? ProvisioningCommands.maxPiece(unit) : filled.length());
        if (filled == null) {
            request.prepare(BlockOperation.WRITE_ZEROES, position, length).unmap(true);
        } else {
            request.prepare(BlockOperation.WRITE, position, length);
            request.data().add(filled.address(), (int) length);
        }
        position += length;
        unit.io().submit(request);
    }

    private void again() {
        position = 0;
        OwnMemory filled = memory;
        if (invert && filled != null) {
            for (int i = 0; i < filled.length(); i += Long.BYTES) {
                long address = filled.address() + i;
                NativeMemory.putLong(address, ~NativeMemory.getLong(address));
            }
        }
    }

    @Override
    public void completed(BlockRequest ended) {
        if (ended.status() != BlockStatus.OK) {
            end(ended.status());
        } else if (flushing) {
            end(BlockStatus.OK);
        } else {
            next();
        }
    }

    private void end(BlockStatus status) {
        release();
        if (status == BlockStatus.OK) {
            unit.condition()
                    .forgetWipe(
                            onUnit(saved ->
                                    ended(saved ? Sense.NONE : Sense.INTERNAL_TARGET_FAILURE)));
        } else {
            ended(kind == Kind.SANITIZE ? Sense.SANITIZE_FAILED : Sense.WRITE_ERROR);
        }
    }

    private void ended(int failure) {
        unit.condition().endWipe(failure == Sense.NONE);
        answer(failure);
    }

    private void answer(int failure) {
        Slot waiting = waiter;
        if (waiting != null) {
            waiter = null;
            waiting.onAbort = null;
            if (failure == Sense.NONE) {
                waiting.good();
            } else {
                waiting.fail(failure);
            }
        }
    }

    private void release() {
        OwnMemory filled = memory;
        if (filled != null) {
            memory = null;
            filled.close();
        }
    }

    /** The disk is closed, and has nothing of it in flight. */
    void close() {
        closed = true;
        release();
    }
}
