package io.vireo.fabric.storage.pool;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;

/** The places of neighbouring chunks of one member, off-heap: they may be megabytes. One thread. */
final class PlaceWindow implements AutoCloseable {
    private final long first;
    private final int size;

    /** Places, plus 1; 0: none that is known. */
    private final OwnMemory places;

    private boolean complete;

    PlaceWindow(long first, int size) {
        this.first = first;
        this.size = size;
        places = OwnMemory.allocate(Math.max(1, size) * Long.BYTES);
    }

    boolean has(long chunk) {
        return chunk >= first && chunk < first + size;
    }

    private long at(long chunk) {
        return places.address() + (chunk - first) * Long.BYTES;
    }

    /** A chunk that it {@link #has} is at a place. */
    void put(long chunk, long place) {
        NativeMemory.putLong(at(chunk), place + 1);
    }

    /** The place of a chunk that it {@link #has}; {@link ChunkPlaces#NONE}: it knows of none. */
    long get(long chunk) {
        return NativeMemory.getLong(at(chunk)) - 1;
    }

    /** Whether all maps were gone through: where it knows of no place there is none. */
    boolean isComplete() {
        return complete;
    }

    void complete() {
        complete = true;
    }

    @Override
    public void close() {
        places.close();
    }
}
