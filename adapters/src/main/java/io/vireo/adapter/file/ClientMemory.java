package io.vireo.adapter.file;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.ScatterGatherList;

/**
 * Copies between one buffer of ours and the scattered memory of a client. May throw {@link
 * InternalError} where that memory is gone; to do it again is harmless.
 */
final class ClientMemory {
    private ClientMemory() {}

    /** Copies {@code length} bytes of the list, from {@code offset} on, to {@code destination}. */
    static void gather(ScatterGatherList list, long offset, long destination, long length) {
        long skip = offset;
        long done = 0;
        for (int i = 0; done < length; i++) {
            long available = list.length(i);
            if (skip >= available) {
                skip -= available;
                continue;
            }
            long take = Math.min(length - done, available - skip);
            ForeignMemory.copy(list.address(i) + skip, destination + done, take);
            skip = 0;
            done += take;
        }
    }

    /** Copies {@code length} bytes at {@code source} into the list, from {@code offset} on. */
    static void scatter(long source, ScatterGatherList list, long offset, long length) {
        long skip = offset;
        long done = 0;
        for (int i = 0; done < length; i++) {
            long available = list.length(i);
            if (skip >= available) {
                skip -= available;
                continue;
            }
            long take = Math.min(length - done, available - skip);
            ForeignMemory.copy(source + done, list.address(i) + skip, take);
            skip = 0;
            done += take;
        }
    }

    /** Sets {@code length} bytes of the list, from {@code offset} on, to zero. */
    static void zero(ScatterGatherList list, long offset, long length) {
        long skip = offset;
        long done = 0;
        for (int i = 0; done < length; i++) {
            long available = list.length(i);
            if (skip >= available) {
                skip -= available;
                continue;
            }
            long take = Math.min(length - done, available - skip);
            ForeignMemory.fill(list.address(i) + skip, take, (byte) 0);
            skip = 0;
            done += take;
        }
    }
}
