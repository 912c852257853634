package io.vireo.fabric.storage.move;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;

/** One bit for each grain of a device, outside of the heap. One reactor's. */
final class GrainMap implements AutoCloseable {
    private final OwnMemory memory;
    private final long grains;
    private final int words;
    private long count;

    GrainMap(long grains) {
        this.grains = grains;
        words = Math.max(1, (int) (grains + 63 >>> 6));
        memory = OwnMemory.reserve(words * Long.BYTES);
    }

    /** How many bits are set. */
    long count() {
        return count;
    }

    boolean get(long grain) {
        return (word((int) (grain >>> 6)) >>> grain & 1) != 0;
    }

    /** Sets the bits from {@code from} to before {@code to}. */
    void set(long from, long to) {
        change(from, to, true);
    }

    /** Clears the bits from {@code from} to before {@code to}. */
    void clear(long from, long to) {
        change(from, to, false);
    }

    private void change(long from, long to, boolean on) {
        for (long at = from; at < to; ) {
            long end = Math.min(to, (at | 63) + 1);
            long mask = -1L >>> 64 - (end - at) << at;
            int index = (int) (at >>> 6);
            long before = word(index);
            long after = on ? before | mask : before & ~mask;
            if (after != before) {
                count += Long.bitCount(after) - Long.bitCount(before);
                NativeMemory.putLong(memory.address() + (long) index * Long.BYTES, after);
            }
            at = end;
        }
    }

    /** The first grain from {@code from} on, and then from the beginning, that is set; or -1. */
    long next(long from) {
        if (count == 0) {
            return -1;
        }
        int start = (int) (Math.min(from, grains - 1) >>> 6);
        long first = word(start) & -1L << from;
        if (first != 0) {
            return ((long) start << 6) + Long.numberOfTrailingZeros(first);
        }
        for (int i = 1; i <= words; i++) {
            int index = (start + i) % words;
            long word = word(index);
            if (word != 0) {
                return ((long) index << 6) + Long.numberOfTrailingZeros(word);
            }
        }
        return -1;
    }

    private long word(int index) {
        return NativeMemory.getLong(memory.address() + (long) index * Long.BYTES);
    }

    @Override
    public void close() {
        memory.close();
    }
}
