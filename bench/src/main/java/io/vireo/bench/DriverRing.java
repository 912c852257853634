package io.vireo.bench;

import io.vireo.linux.Eventfd;
import io.vireo.linux.ForeignMemory;

/**
 * The driver's side of a split virtqueue, VIRTIO 1.3 section 2.7, that polls the used ring and
 * never asks for an interrupt. Owned by one thread.
 */
final class DriverRing {
    private static final int DESCRIPTOR = 16;
    private static final int NO_INTERRUPT = 1;
    private static final int NO_NOTIFY = 1;

    static final int NEXT = 1;
    static final int WRITE = 2;
    static final int INDIRECT = 4;

    private final DriverMemory memory;
    private final long table;
    private final long available;
    private final long used;
    private final int size;
    private final int mask;
    private final boolean eventIdx;
    private int availableIndex;
    private int publishedIndex;
    private int usedIndex;
    private int kicks;

    /**
     * Lays a ring of {@code size} descriptors out at {@code guestAddress}, which is a multiple of
     * 4096.
     */
    DriverRing(DriverMemory memory, long guestAddress, int size, boolean eventIdx) {
        this.memory = memory;
        this.size = size;
        this.mask = size - 1;
        this.eventIdx = eventIdx;
        this.table = memory.address(guestAddress);
        this.available = table + (long) size * DESCRIPTOR;
        this.used = (available + 6 + 2L * size + 4095) & -4096L;
        ForeignMemory.putShort(available, (short) NO_INTERRUPT);
    }

    /** Bytes that a ring of {@code size} takes up, a multiple of 4096. */
    static long footprint(int size) {
        return (size * 26L + 6 + 8191 + 4096) & -4096L;
    }

    int size() {
        return size;
    }

    long descriptorTable() {
        return table;
    }

    long availableRing() {
        return available;
    }

    long usedRing() {
        return used;
    }

    /** Times that the device wanted to be kicked. */
    int kicks() {
        return kicks;
    }

    void describe(int index, long guestAddress, int length, int flags, int next) {
        write(table + (long) index * DESCRIPTOR, guestAddress, length, flags, next);
    }

    /** Writes a descriptor of an indirect table at {@code guestTable}. */
    void describe(long guestTable, int index, long guestAddress, int length, int flags, int next) {
        write(
                memory.address(guestTable) + (long) index * DESCRIPTOR,
                guestAddress,
                length,
                flags,
                next);
    }

    private static void write(long at, long guestAddress, int length, int flags, int next) {
        ForeignMemory.putLong(at, guestAddress);
        ForeignMemory.putInt(at + 8, length);
        ForeignMemory.putShort(at + 12, (short) flags);
        ForeignMemory.putShort(at + 14, (short) next);
    }

    /** Makes a chain available; the device sees it after {@link #publish}. */
    void offer(int head) {
        ForeignMemory.putShort(available + 4 + 2L * (availableIndex & mask), (short) head);
        availableIndex++;
    }

    /** Shows the device what was offered, and kicks it if it asks for that. */
    void publish(Eventfd kick) {
        if (publishedIndex == availableIndex) {
            return;
        }
        ForeignMemory.putShortRelease(available + 2, (short) availableIndex);
        // The index must be out before the device's wish is read, or both sides may go to sleep.
        ForeignMemory.fullFence();
        if (wantsKick()) {
            kicks++;
            kick.signal();
        }
        publishedIndex = availableIndex;
    }

    private boolean wantsKick() {
        if (!eventIdx) {
            return (ForeignMemory.getShortOpaque(used) & NO_NOTIFY) == 0;
        }
        var event = ForeignMemory.getShortOpaque(used + 4 + 8L * size);
        return ((availableIndex - event - 1) & 0xffff)
                < ((availableIndex - publishedIndex) & 0xffff);
    }

    /** Returns the head of the next completed chain, or -1. */
    int take() {
        if (ForeignMemory.getShortAcquire(used + 2) == (short) usedIndex) {
            return -1;
        }
        var head = ForeignMemory.getInt(used + 4 + 8L * (usedIndex & mask));
        usedIndex++;
        return head;
    }
}
