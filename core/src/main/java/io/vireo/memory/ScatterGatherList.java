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
    private long[] addresses;
    private int[] lengths;
    private int count;
    private long total;

    /** A list with room for {@code capacity} ranges before it has to grow. */
    public ScatterGatherList(int capacity) {
        addresses = new long[capacity];
        lengths = new int[capacity];
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
        return addresses[index];
    }

    /** Length in bytes of range {@code index}; more than 0. */
    public int length(int index) {
        return lengths[index];
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
        if (count == addresses.length) {
            addresses = Arrays.copyOf(addresses, count * 2);
            lengths = Arrays.copyOf(lengths, count * 2);
        }
        addresses[count] = address;
        lengths[count] = length;
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
            int available = source.lengths[i];
            if (skip >= available) {
                skip -= available;
                continue;
            }
            int take = (int) Math.min(left, available - skip);
            add(source.addresses[i] + skip, take);
            skip = 0;
            left -= take;
        }
    }
}
