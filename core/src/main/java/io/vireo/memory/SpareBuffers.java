package io.vireo.memory;

import io.vireo.linux.NativeBuffer;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Buffers that are kept for the next who needs one of the same length. To give memory back for good
 * the virtual machine has to stop each of its threads for a moment, the polling ones too: opening
 * and closing a pool in memory took nine tenths of its time for that.
 */
final class SpareBuffers {
    /** Longer ones are not kept. */
    private static final int LONGEST = 1 << 20;

    /** Bytes of all that are kept. */
    private static final long MOST = 32 << 20;

    private static final Map<Long, ConcurrentLinkedDeque<NativeBuffer>> KEPT =
            new ConcurrentHashMap<>();
    private static final AtomicLong BYTES = new AtomicLong();

    private SpareBuffers() {}

    /** A buffer of a length, with anything in it; null: there is none. */
    static @Nullable NativeBuffer take(long length) {
        ConcurrentLinkedDeque<NativeBuffer> same = KEPT.get(length);
        NativeBuffer buffer = same == null ? null : same.pollLast();
        if (buffer != null) {
            BYTES.addAndGet(-length);
        }
        return buffer;
    }

    /** Keeps a buffer that nobody uses any more; false: it is to be closed. */
    static boolean give(NativeBuffer buffer) {
        long length = buffer.length();
        if (length > LONGEST) {
            return false;
        }
        if (BYTES.addAndGet(length) > MOST) {
            BYTES.addAndGet(-length);
            return false;
        }
        KEPT.computeIfAbsent(length, _ -> new ConcurrentLinkedDeque<>()).add(buffer);
        return true;
    }
}
