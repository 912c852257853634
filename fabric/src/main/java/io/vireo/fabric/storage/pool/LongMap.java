package io.vireo.fabric.storage.pool;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A map from numbers to objects that looks up without allocating. */
final class LongMap<T> {
    private long[] keys = new long[16];
    private @Nullable Object[] values = new Object[16];
    private int size;

    boolean isEmpty() {
        return size == 0;
    }

    @SuppressWarnings("unchecked") // Only put stores.
    @Nullable T get(long key) {
        int at = slot(keys, values, key);
        return (T) values[at];
    }

    void put(long key, T value) {
        if (size * 2 >= keys.length) {
            grow();
        }
        int at = slot(keys, values, key);
        if (values[at] == null) {
            size++;
        }
        keys[at] = key;
        values[at] = value;
    }

    void remove(long key) {
        int hole = slot(keys, values, key);
        if (values[hole] == null) {
            return;
        }
        size--;
        values[hole] = null;
        int mask = keys.length - 1;
        // What was pushed beyond the hole by others moves back.
        for (int at = hole + 1 & mask; values[at] != null; at = at + 1 & mask) {
            int ideal = hash(keys[at]) & mask;
            if ((at - ideal & mask) >= (at - hole & mask)) {
                keys[hole] = keys[at];
                values[hole] = values[at];
                values[at] = null;
                hole = at;
            }
        }
    }

    private static int slot(long[] keys, @Nullable Object[] values, long key) {
        int mask = keys.length - 1;
        int at = hash(key) & mask;
        while (values[at] != null && keys[at] != key) {
            at = at + 1 & mask;
        }
        return at;
    }

    private static int hash(long key) {
        long mixed = key * 0x9E37_79B9_7F4A_7C15L;
        return (int) (mixed >>> 32);
    }

    private void grow() {
        long[] newKeys = Arrays.copyOf(keys, keys.length * 2);
        @Nullable Object[] newValues = new Object[values.length * 2];
        for (int i = 0; i < keys.length; i++) {
            if (values[i] != null) {
                int at = slot(newKeys, newValues, keys[i]);
                newKeys[at] = keys[i];
                newValues[at] = values[i];
            }
        }
        keys = newKeys;
        values = newValues;
    }
}
