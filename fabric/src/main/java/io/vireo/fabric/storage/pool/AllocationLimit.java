package io.vireo.fabric.storage.pool;

import java.util.ArrayList;
import java.util.List;

/**
 * How much some volumes of a pool may have mapped together. Of the home reactor, but for its bound.
 */
public final class AllocationLimit {
    private final List<Volume> members = new ArrayList<>();
    private volatile long bytes;

    /**
     * @param bytes at most; {@link Long#MAX_VALUE}: any number
     */
    public AllocationLimit(long bytes) {
        this.bytes = bytes;
    }

    void bytes(long atMost) {
        bytes = atMost;
    }

    void add(Volume volume) {
        members.add(volume);
        volume.limits.add(this);
    }

    void remove(Volume volume) {
        members.remove(volume);
        volume.limits.remove(this);
    }

    /** Whether one more chunk may be mapped; those that are being filled count already. */
    boolean allows(int chunkShift) {
        long chunks = 1;
        for (int i = 0; i < members.size(); i++) {
            Volume member = members.get(i);
            chunks += member.root.mapped() + member.filling;
        }
        return chunks <= bytes >>> chunkShift;
    }
}
