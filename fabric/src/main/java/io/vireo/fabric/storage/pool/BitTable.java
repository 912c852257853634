package io.vireo.fabric.storage.pool;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.Objects;

/** Bits by number, off-heap, as {@link ByteTable}. One thread. */
final class BitTable implements AutoCloseable {
    private OwnMemory memory;
    private int words;

    /** Near the last bit that was found. */
    private int cursor;

    BitTable(long bits) {
        words = words(bits);
        memory = OwnMemory.allocate(words * Long.BYTES);
    }

    private static int words(long bits) {
        return Math.max(1, (int) (bits + 63 >>> 6));
    }

    private long at(int word) {
        return memory.address() + (long) Objects.checkIndex(word, words) * Long.BYTES;
    }

    private long word(int word) {
        return NativeMemory.getLong(at(word));
    }

    boolean get(long index) {
        return (word((int) (index >>> 6)) & 1L << index) != 0;
    }

    void set(long index) {
        int word = (int) (index >>> 6);
        NativeMemory.putLong(at(word), word(word) | 1L << index);
    }

    void clear(long index) {
        int word = (int) (index >>> 6);
        NativeMemory.putLong(at(word), word(word) & ~(1L << index));
    }

    /** A bit that is set, near the last one that was found; there is one. */
    long next() {
        while (word(cursor) == 0) {
            cursor = cursor + 1 == words ? 0 : cursor + 1;
        }
        return ((long) cursor << 6) + Long.numberOfTrailingZeros(word(cursor));
    }

    /** Has more of them, which are clear. */
    void grow(long bits) {
        OwnMemory old = memory;
        int newWords = words(bits);
        memory = OwnMemory.allocate(newWords * Long.BYTES);
        NativeMemory.copy(old.address(), memory.address(), (long) words * Long.BYTES);
        words = newWords;
        old.close();
    }

    @Override
    public void close() {
        memory.close();
    }
}
