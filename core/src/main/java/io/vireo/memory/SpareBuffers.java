package io.vireo.memory;

import io.vireo.linux.NativeBuffer;
import java.util.ArrayDeque;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Buffers that are kept for the next who needs one of the same length. To give memory back for good
 * the virtual machine has to stop each of its threads for a moment, the polling ones too: opening
 * and closing a pool in memory took nine tenths of its time for that. Where there are too many,
 * those of the length go that nobody has taken or given for longest.
 */
final class SpareBuffers {
    /** Longer ones are not kept. */
    private static final int LONGEST = 1 << 20;

    /** Bytes of all that are kept. */
    private static final long MOST = 32 << 20;

    /** By length, in the order of their last use. */
    private static final Map<Long, ArrayDeque<NativeBuffer>> KEPT =
            new LinkedHashMap<>(16, 0.75f, true);

    private static long bytes;

    private SpareBuffers() {}

    /** A buffer of a length, with anything in it; null: there is none. */
    static synchronized @Nullable NativeBuffer take(long length) {
        ArrayDeque<NativeBuffer> same = KEPT.get(length);
        NativeBuffer buffer = same == null ? null : same.pollLast();
        if (buffer != null) {
            bytes -= length;
        }
        return buffer;
    }

    /** Keeps a buffer that nobody uses any more, or closes it. */
    static void give(NativeBuffer buffer) {
        if (buffer.length() > LONGEST) {
            buffer.close();
            return;
        }
        keep(buffer);
        for (NativeBuffer old = tooMuch(); old != null; old = tooMuch()) {
            old.close();
        }
    }

    private static synchronized void keep(NativeBuffer buffer) {
        KEPT.computeIfAbsent(buffer.length(), _ -> new ArrayDeque<>()).add(buffer);
        bytes += buffer.length();
    }

    private static synchronized @Nullable NativeBuffer tooMuch() {
        if (bytes <= MOST) {
            return null;
        }
        KEPT.values().removeIf(ArrayDeque::isEmpty);
        NativeBuffer oldest = KEPT.values().iterator().next().remove();
        bytes -= oldest.length();
        return oldest;
    }
}
