package io.vireo.device.scsi;

import io.vireo.block.BlockCompletion;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import org.jspecify.annotations.Nullable;

/**
 * Overwrites all of the medium, in the background: what SANITIZE and FORMAT UNIT do. It goes on
 * when the command that asked for it is aborted, or the unit is reset (SBC-3, 4.11.3).
 */
final class Wipe implements BlockCompletion {
    private static final int CHUNK = 1 << 20;

    private final LogicalUnit unit;
    private final boolean sanitize;
    private final byte[] pattern;
    private final boolean invert;
    private final BlockRequest request;
    private int passes;
    private @Nullable OwnMemory memory;
    private @Nullable Slot waiter;
    private long position;
    private boolean flushing;

    /**
     * A wipe that has not begun.
     *
     * @param pattern what each block is filled with, again and again; empty: zeroes that may be
     *     deallocated
     * @param passes how often
     * @param invert whether each pass writes the complement of the one before
     */
    Wipe(LogicalUnit unit, boolean sanitize, byte[] pattern, int passes, boolean invert) {
        this.unit = unit;
        this.sanitize = sanitize;
        this.pattern = pattern.clone();
        this.passes = passes;
        this.invert = invert;
        request = new BlockRequest(LogicalUnit.MAX_TASKS, this);
    }

    /** Begins; {@code slot} ends with it, unless that wants no answer. */
    void begin(Slot slot, boolean immediate) {
        unit.condition().beginWipe(sanitize ? Sense.NOT_READY_SANITIZE : Sense.NOT_READY_FORMAT);
        if (pattern.length > 0) {
            fill();
        }
        unit.tasks().background(slot);
        if (immediate) {
            slot.good();
        } else {
            waiter = slot;
            slot.onAbort = () -> waiter = null;
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
        unit.condition().endWipe();
        unit.condition().sanitizeFailed(sanitize && status != BlockStatus.OK);
        OwnMemory filled = memory;
        if (filled != null) {
            filled.close();
        }
        Slot waiting = waiter;
        if (waiting != null) {
            waiting.onAbort = null;
            if (status == BlockStatus.OK) {
                waiting.good();
            } else {
                waiting.fail(sanitize ? Sense.SANITIZE_FAILED : Sense.WRITE_ERROR);
            }
        }
    }
}
