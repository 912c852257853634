package io.vireo.fabric.storage.pool;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.Objects;

/**
 * Bytes by number, off-heap: a pool has one for each of its chunks, and the daemon's heap is small.
 * One thread.
 */
final class ByteTable implements AutoCloseable {
    private OwnMemory memory;
    private int size;

    ByteTable(int size) {
        this.size = size;
        memory = OwnMemory.allocate(Math.max(1, size));
    }

    /** 0 to 255. */
    int get(int index) {
        return NativeMemory.getByte(memory.address() + Objects.checkIndex(index, size)) & 0xFF;
    }

    void set(int index, int value) {
        NativeMemory.putByte(memory.address() + Objects.checkIndex(index, size), (byte) value);
    }

    /** Has more of them, which are 0. */
    void grow(int newSize) {
        OwnMemory old = memory;
        memory = OwnMemory.allocate(newSize);
        NativeMemory.copy(old.address(), memory.address(), size);
        size = newSize;
        old.close();
    }

    @Override
    public void close() {
        memory.close();
    }
}
