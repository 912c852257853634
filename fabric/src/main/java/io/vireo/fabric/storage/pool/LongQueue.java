package io.vireo.fabric.storage.pool;

/** A queue of numbers that allocates only when it has to grow. */
final class LongQueue {
    private long[] values = new long[64];
    private int head;
    private int size;

    int size() {
        return size;
    }

    boolean isEmpty() {
        return size == 0;
    }

    void add(long value) {
        if (size == values.length) {
            grow();
        }
        values[head + size++ & values.length - 1] = value;
    }

    /** The first; there is one. */
    long peek() {
        return values[head];
    }

    /** Takes the first; there is one. */
    long remove() {
        long value = values[head];
        head = head + 1 & values.length - 1;
        size--;
        return value;
    }

    private void grow() {
        long[] larger = new long[values.length * 2];
        for (int i = 0; i < size; i++) {
            larger[i] = values[head + i & values.length - 1];
        }
        values = larger;
        head = 0;
    }
}
