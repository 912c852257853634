package io.vireo.adapter.file;

import io.vireo.linux.ForeignMemory;
import io.vireo.memory.ScatterGatherList;

/**
 * Copies between one buffer of ours and the scattered memory of a client. May throw {@link
 * InternalError} where that memory is gone; to do it again is harmless.
 */
final class ClientMemory {
    private enum Way {
        GATHER,
        SCATTER,
        ZERO
    }

    private ClientMemory() {}

    /** Copies {@code length} bytes of the list, from {@code offset} on, to {@code destination}. */
    static void gather(ScatterGatherList list, long offset, long destination, long length) {
        walk(Way.GATHER, list, offset, destination, length);
    }

    /** Copies {@code length} bytes at {@code source} into the list, from {@code offset} on. */
    static void scatter(long source, ScatterGatherList list, long offset, long length) {
        walk(Way.SCATTER, list, offset, source, length);
    }

    /** Sets {@code length} bytes of the list, from {@code offset} on, to zero. */
    static void zero(ScatterGatherList list, long offset, long length) {
        walk(Way.ZERO, list, offset, 0, length);
    }

    private static void walk(
            Way way, ScatterGatherList list, long offset, long buffer, long length) {
        long skip = offset;
        long done = 0;
        for (int i = 0; done < length; i++) {
            long available = list.length(i);
            if (skip >= available) {
                skip -= available;
                continue;
            }
            long take = Math.min(length - done, available - skip);
            long client = list.address(i) + skip;
            switch (way) {
                case GATHER -> ForeignMemory.copy(client, buffer + done, take);
                case SCATTER -> ForeignMemory.copy(buffer + done, client, take);
                case ZERO -> ForeignMemory.fill(client, take, (byte) 0);
            }
            skip = 0;
            done += take;
        }
    }
}
