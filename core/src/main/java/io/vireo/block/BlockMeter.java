package io.vireo.block;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;

/**
 * Counts the requests of one channel: {@link #count} on the channel's reactor, {@link #counters}
 * from any thread.
 */
public final class BlockMeter {
    private static final VarHandle CELL = MethodHandles.arrayElementVarHandle(long[].class);
    private static final BlockOperation[] OPERATIONS = BlockOperation.values();

    /** Requests by operation, then bytes read, bytes written, errors, no space. */
    private static final int READ_BYTES = OPERATIONS.length;

    private static final int WRITTEN_BYTES = READ_BYTES + 1;
    private static final int ERRORS = READ_BYTES + 2;
    private static final int NO_SPACE = READ_BYTES + 3;

    private final long[] cells = new long[READ_BYTES + 4];

    /** Counts a request that ended. */
    public void count(BlockRequest request, BlockStatus status) {
        BlockOperation operation = request.operation();
        add(operation.ordinal(), 1);
        if (status == BlockStatus.OK) {
            if (operation == BlockOperation.READ) {
                add(READ_BYTES, request.length());
            } else if (operation == BlockOperation.WRITE) {
                add(WRITTEN_BYTES, request.length());
            }
        } else if (status != BlockStatus.CANCELLED) {
            add(ERRORS, 1);
            if (status == BlockStatus.NO_SPACE) {
                add(NO_SPACE, 1);
            }
        }
    }

    /** The counts so far. */
    public BlockCounters counters() {
        return new BlockCounters(
                cell(BlockOperation.READ.ordinal()),
                cell(READ_BYTES),
                cell(BlockOperation.WRITE.ordinal()),
                cell(WRITTEN_BYTES),
                cell(BlockOperation.FLUSH.ordinal()),
                cell(BlockOperation.DISCARD.ordinal()),
                cell(BlockOperation.WRITE_ZEROES.ordinal()),
                cell(ERRORS),
                cell(NO_SPACE));
    }

    private void add(int index, long amount) {
        // Opaque: one writer; readers of other threads see whole values, and in the end all of
        // them.
        CELL.setOpaque(cells, index, cells[index] + amount);
    }

    private long cell(int index) {
        return (long) CELL.getOpaque(cells, index);
    }
}
