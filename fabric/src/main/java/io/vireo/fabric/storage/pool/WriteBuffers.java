package io.vireo.fabric.storage.pool;

import io.vireo.memory.OwnMemory;
import java.util.ArrayDeque;

/**
 * Memory for copies of what clients write. A guest can change its memory while it is written, so
 * that copies on two disks would differ, a checksum would be that of other bytes, and what is on
 * disk another thing than was enciphered. And for what is read, until it is deciphered.
 */
final class WriteBuffers {
    /** Bytes of a buffer. */
    static final int BYTES = 64 << 10;

    private static final int MOST = 1024;

    private final ArrayDeque<OwnMemory> free = new ArrayDeque<>();
    private int used;

    /** Buffers for so many bytes. */
    static int count(long bytes) {
        return (int) ((bytes + BYTES - 1) / BYTES);
    }

    /**
     * Whether so many buffers may be taken now. Somebody who needs more than there are is served
     * when nobody else has any.
     */
    boolean has(int count) {
        return used == 0 || used + count <= MOST;
    }

    OwnMemory take() {
        used++;
        OwnMemory buffer = free.pollLast();
        return buffer == null ? OwnMemory.allocate(BYTES) : buffer;
    }

    void give(OwnMemory buffer) {
        used--;
        takeBack(buffer);
    }

    /** So many buffers are gone for a time that nobody knows, and others may be taken. */
    void forgo(int count) {
        used -= count;
    }

    /** A buffer that was gone is back. */
    void takeBack(OwnMemory buffer) {
        if (used + free.size() < MOST) {
            free.addLast(buffer);
        } else {
            buffer.close();
        }
    }

    /** After the last request. */
    void close() {
        free.forEach(OwnMemory::close);
    }
}
