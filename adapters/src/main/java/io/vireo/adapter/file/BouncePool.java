package io.vireo.adapter.file;

import io.vireo.linux.Mapping;
import io.vireo.linux.NativeBuffer;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * A few aligned buffers of one reactor, for data that O_DIRECT does not take where it is, and a
 * buffer of zeroes. Made when first needed.
 */
public final class BouncePool {
    /** Bytes of a buffer: larger requests go through it in pieces. */
    static final int SIZE = 256 * 1024;

    private static final int COUNT = 4;
    private static final int ZEROES = 64 * 1024;

    private final NativeBuffer[] buffers = new NativeBuffer[COUNT];
    private final ArrayDeque<NativeBuffer> free = new ArrayDeque<>(COUNT);
    private final ArrayDeque<HostOp> waiting = new ArrayDeque<>();
    private int made;
    private @Nullable NativeBuffer zeroes;

    /**
     * A buffer, or null: then the operation is told by {@link HostOp#resumed} when there is one.
     */
    @Nullable NativeBuffer take(HostOp op) {
        if (free.isEmpty() && made < COUNT) {
            buffers[made] = NativeBuffer.allocate(SIZE, Mapping.pageSize());
            return buffers[made++];
        }
        NativeBuffer buffer = free.poll();
        if (buffer == null) {
            waiting.add(op);
        }
        return buffer;
    }

    /** Takes a buffer back. */
    void give(NativeBuffer buffer) {
        free.add(buffer);
        HostOp next = waiting.poll();
        if (next != null) {
            next.resumed();
        }
    }

    /** Address of {@link #zeroesLength} zero bytes. */
    long zeroesAddress() {
        NativeBuffer buffer = zeroes;
        if (buffer == null) {
            buffer = NativeBuffer.allocate(ZEROES, Mapping.pageSize());
            zeroes = buffer;
        }
        return buffer.address();
    }

    int zeroesLength() {
        return ZEROES;
    }

    /** Frees the buffers; no operation uses one. */
    public void close() {
        for (int i = 0; i < made; i++) {
            buffers[i].close();
        }
        if (zeroes != null) {
            zeroes.close();
        }
    }
}
