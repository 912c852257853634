package io.vireo.fabric.l2.bond;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;

/** Memory for one frame of the Slow Protocols: the room of two snapshots, which is enough. */
final class SlowFrame {
    private final FrameBatch room = new FrameBatch();

    /** Address of the frame. */
    long address() {
        return room.header(0);
    }

    /** Sets all of it to zero. */
    void clear() {
        for (int i = 0; i < FrameBatch.HEADER_MAX; i += Long.BYTES) {
            NativeMemory.putLong(address() + i, 0);
        }
    }

    void close() {
        room.close();
    }
}
