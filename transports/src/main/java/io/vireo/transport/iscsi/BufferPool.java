package io.vireo.transport.iscsi;

import io.vireo.memory.OwnMemory;
import io.vireo.memory.ScatterGatherList;
import java.util.zip.CRC32C;

/**
 * Memory for the data of commands on one reactor, bounded: small pieces for the many small
 * transfers, large ones for the rest. The last one given back is given out first, so that memory
 * that is not needed is never touched.
 *
 * <p>A command takes all it needs for its solicited data at once, or nothing. What comes unasked
 * may take only half of the pool: so the commands that we do ask data for always find the room to
 * end, whatever waits.
 */
final class BufferPool implements AutoCloseable {
    private static final int SMALL = 8 << 10;
    private static final int LARGE = 64 << 10;

    private final OwnMemory memory;
    private final long base;
    private final int largeFrom;
    private final int[] small;
    private final int[] large;
    private int smallFree;
    private int largeFree;

    /**
     * @param bytes of all of it; an eighth is for small pieces
     */
    BufferPool(int bytes) {
        memory = OwnMemory.reserve(bytes);
        base = memory.address();
        largeFrom = bytes / 8 / LARGE * LARGE;
        small = stack(largeFrom / SMALL);
        large = stack((bytes - largeFrom) / LARGE);
        smallFree = small.length;
        largeFree = large.length;
    }

    private static int[] stack(int count) {
        int[] pieces = new int[count];
        for (int i = 0; i < count; i++) {
            pieces[i] = count - 1 - i;
        }
        return pieces;
    }

    /** Most bytes that one command can have. */
    int largest() {
        return large.length / 2 * LARGE;
    }

    /** Bytes that {@link #add} takes from the pool for {@code length} bytes. */
    static int cost(int length) {
        if (length == 0) {
            return 0;
        }
        return length <= SMALL ? SMALL : (length + LARGE - 1) / LARGE * LARGE;
    }

    /**
     * Appends {@code length} bytes of memory to a list, with whatever is in it.
     *
     * @param unasked whether it is for data that comes unasked
     * @return false if there is not enough: nothing was appended
     */
    boolean add(ScatterGatherList list, int length, boolean unasked) {
        if (length <= SMALL && smallFree > (unasked ? small.length / 2 : 0)) {
            list.add(base + (long) small[--smallFree] * SMALL, length);
            return true;
        }
        int pieces = (length + LARGE - 1) / LARGE;
        if (pieces > largeFree - (unasked ? large.length / 2 : 0)) {
            return false;
        }
        int left = length;
        while (left > 0) {
            int take = Math.min(left, LARGE);
            list.add(base + largeFrom + (long) large[--largeFree] * LARGE, take);
            left -= take;
        }
        return true;
    }

    /** Gives all memory of a list back, and clears it. */
    void release(ScatterGatherList list) {
        for (int i = 0; i < list.count(); i++) {
            int offset = (int) (list.address(i) - base);
            if (offset < largeFrom) {
                small[smallFree++] = offset / SMALL;
            } else {
                large[largeFree++] = (offset - largeFrom) / LARGE;
            }
        }
        list.clear();
    }

    /** Whether all of it is free. */
    boolean isWhole() {
        return smallFree == small.length && largeFree == large.length;
    }

    /** Goes on with a CRC32C by a range of the pool. */
    void update(CRC32C sum, long address, int length) {
        memory.update(sum, (int) (address - base), length);
    }

    @Override
    public void close() {
        memory.close();
    }
}
