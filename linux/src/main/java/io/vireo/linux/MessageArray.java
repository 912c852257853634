package io.vireo.linux;

import java.lang.foreign.Arena;
import java.lang.ref.Reference;

/**
 * An off-heap array of {@code struct mmsghdr}: messages of one call of sendmmsg(2), each gathered
 * from iovecs. Keep it reachable while a call uses it.
 */
public final class MessageArray {
    private final Arena arena = Arena.ofAuto();
    private final long address;
    private final int capacity;

    public MessageArray(int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("capacity " + capacity);
        }
        this.capacity = capacity;
        address = arena.allocate((long) capacity * Layouts.Mmsghdr.SIZE, Long.BYTES).address();
    }

    /** Returns the address of a message, {@code index} up to the capacity. */
    public long address(int index) {
        if (index < 0 || index > capacity) {
            throw new IndexOutOfBoundsException(index);
        }
        return address + (long) index * Layouts.Mmsghdr.SIZE;
    }

    /** Sets a message to {@code count} iovecs at {@code iovecs}. */
    public void set(int index, long iovecs, int count) {
        long header = address(index) + Layouts.Mmsghdr.MSG_HDR;
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_IOV, iovecs);
        ForeignMemory.putLong(header + Layouts.Msghdr.MSG_IOVLEN, count);
        Reference.reachabilityFence(arena);
    }
}
