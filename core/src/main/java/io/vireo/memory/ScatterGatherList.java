package io.vireo.memory;

import java.util.Arrays;

/**
 * Ranges of memory by native address, in order: where the bytes of a request or a frame are.
 * Reused: a list is cleared and filled again, and grows to the largest size it has seen, so that
 * steady state allocates nothing.
 *
 * <p>The ranges usually lie in a guest's memory and were validated when they were added. Not thread
 * safe.
 */
public final class ScatterGatherList {
    /**
     * Address and length of each in turn: one array, so that there are fewer cache lines to touch.
     */
    private long[] ranges;

    private int count;
    private long total;

    /** A list with room for {@code capacity} ranges before it has to grow. */
    public ScatterGatherList(int capacity) {
        ranges = new long[2 * capacity];
    }

    /** Number of ranges. */
    public int count() {
        return count;
    }

    /** Sum of the lengths in bytes. */
    public long total() {
        return total;
    }

    /** Native address of range {@code index}. */
    public long address(int index) {
        return ranges[2 * index];
    }

    /** Length in bytes of range {@code index}; more than 0. */
    public int length(int index) {
        return (int) ranges[2 * index + 1];
    }

    /** Removes all ranges. */
    public void clear() {
        count = 0;
        total = 0;
    }

    /** Appends a range; one of length 0 is left out. */
    public void add(long address, int length) {
        if (length == 0) {
            return;
        }
        if (2 * count == ranges.length) {
            ranges = Arrays.copyOf(ranges, 2 * ranges.length);
        }
        ranges[2 * count] = address;
        ranges[2 * count + 1] = length;
        count++;
        total += length;
    }

    /** Appends {@code length} bytes of {@code source}, which start {@code offset} bytes into it. */
    public void addSlice(ScatterGatherList source, long offset, long length) {
        if (offset < 0 || length < 0 || offset > source.total - length) {
            throw new IndexOutOfBoundsException(
                    "slice " + offset + "+" + length + " of " + source.total + " bytes");
        }
        long skip = offset;
        long left = length;
        for (int i = 0; left > 0; i++) {
            int available = (int) source.ranges[2 * i + 1];
            if (skip >= available) {
                skip -= available;
                continue;
            }
            int take = (int) Math.min(left, available - skip);
            add(source.ranges[2 * i] + skip, take);
            skip = 0;
            left -= take;
        }
    }
}
