package io.vireo.virtqueue;

import io.vireo.memory.GuestMemory;
import java.util.Arrays;
import java.util.OptionalLong;

/**
 * What a packed virtqueue marks in a {@link DirtyLog}, and keeps for it. Used descriptors take the
 * places of those of chains that are still in flight, so the device-writable ranges of each chain
 * are noted when it is taken. Of chains taken before logging began nothing is noted: when one of
 * them is used all memory is marked, which is too much, allowed, and soon over.
 */
final class PackedLog {
    private static final int UNKNOWN = -1;
    private static final int EVENT_SUPPRESSION = 4;

    private final int size;
    private final long userRing;
    private DirtyLog log;
    private OptionalLong events;
    private GuestMemory memory;
    private long ring;

    /** By buffer id: how many ranges are noted, or {@link #UNKNOWN}. */
    private final int[] counts;

    /** By buffer id: guest address and length of each range. Grown to what chains have had. */
    private final long[][] ranges;

    /** Whether a chain of which nothing is noted was pushed since the last {@link #marked}. */
    private boolean all;

    /**
     * The log of a queue whose chains in flight are not known.
     *
     * @param userRing user address of the descriptor ring
     * @param events guest address of the device event suppression structure, if it is logged
     */
    PackedLog(int size, long userRing, GuestMemory memory, DirtyLog log, OptionalLong events) {
        this.size = size;
        this.userRing = userRing;
        this.memory = memory;
        this.log = log;
        this.events = events;
        counts = new int[size];
        Arrays.fill(counts, UNKNOWN);
        ranges = new long[size][0];
        ring = guestRing();
    }

    /** Goes on with another log, where all of the rings counts as written. */
    void to(DirtyLog other, OptionalLong otherEvents) {
        log = other;
        events = otherEvents;
        begin();
    }

    /** All of the rings counts as written. */
    void begin() {
        markRing(0, size);
        markEvents();
    }

    /** Chains that are taken from now on lie in other memory, and so does the ring. */
    void memory(GuestMemory table) {
        memory = table;
        ring = guestRing();
    }

    private long guestRing() {
        for (var region : memory.regions()) {
            long offset = userRing - region.userAddress();
            if (offset >= 0 && offset < region.size()) {
                return region.guestAddress() + offset;
            }
        }
        throw new IllegalArgumentException("a descriptor ring outside of the guest's memory");
    }

    /** Notes the device-writable ranges of the chain behind the last one of a batch. */
    void popped(int id, ChainBatch batch) {
        int first = batch.firstWritable[batch.count];
        int count = batch.writableRanges[batch.count];
        if (ranges[id].length < 2 * count) {
            ranges[id] = new long[2 * count];
        }
        long[] noted = ranges[id];
        for (int i = 0; i < count; i++) {
            noted[2 * i] = guest(batch.rangeAddress[first + i]);
            noted[2 * i + 1] = batch.rangeLength[first + i];
        }
        counts[id] = count;
    }

    private long guest(long host) {
        for (int i = 0; ; i++) {
            long offset = host - memory.host(i);
            if (offset >= 0 && offset < memory.size(i)) {
                return memory.start(i) + offset;
            }
        }
    }

    /**
     * Marks the first {@code written} bytes of a chain's ranges, or leaves it to {@link #marked}.
     */
    void pushed(int id, int written) {
        long left = Integer.toUnsignedLong(written);
        all |= counts[id] == UNKNOWN && left > 0;
        long[] noted = ranges[id];
        for (int i = 0; i < counts[id] && left > 0; i++) {
            long length = Math.min(left, noted[2 * i + 1]);
            log.mark(noted[2 * i], length);
            left -= length;
        }
    }

    /** All that was pushed is marked after this. */
    void marked() {
        if (all) {
            for (var region : memory.regions()) {
                log.mark(region.guestAddress(), region.size());
            }
            all = false;
        }
    }

    /** Marks descriptors of the ring. */
    void markRing(int position, int count) {
        int end = Math.min(count, size - position);
        log.mark(PackedRing.descriptor(ring, position), PackedRing.descriptor(0, end));
        log.mark(ring, PackedRing.descriptor(0, count - end));
    }

    void markEvents() {
        if (events.isPresent()) {
            log.mark(events.getAsLong(), EVENT_SUPPRESSION);
        }
    }
}
