package io.vireo.testkit;

import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.VirtqueueConfig;

/**
 * The driver's side of a virtqueue, one that keeps the rules: {@link #add}, {@link #publish},
 * {@link #poll}. What subclasses have beyond that writes whatever it is told. Allocates nothing
 * after construction. One thread.
 */
public abstract sealed class DriverQueue permits SplitDriverQueue, PackedDriverQueue {
    public static final int NEXT = 1;
    public static final int WRITE = 2;
    public static final int INDIRECT = 4;

    static final int DESCRIPTOR = 16;

    final DriverMemory memory;
    final int size;
    final boolean eventIndex;
    private final long descriptors;
    private final long available;
    private final long used;
    // The same, where the driver sees them.
    final long descriptorsHost;
    final long availableHost;
    final long usedHost;

    /** The list of free descriptors, or of free buffer ids. */
    final int[] free;

    int freeHead;
    int freeCount;

    /** By head or buffer id: descriptors of the chain that the device has. */
    final int[] chainLength;

    int usedHead;
    int usedLength;

    DriverQueue(DriverMemory memory, int size, long features, long availableBytes, long usedBytes) {
        this.memory = memory;
        this.size = size;
        eventIndex = (features & Virtqueue.EVENT_IDX) != 0;
        descriptors = memory.allocate((long) DESCRIPTOR * size, 64);
        available = memory.allocate(availableBytes, 64);
        used = memory.allocate(usedBytes, 64);
        descriptorsHost = memory.host(descriptors);
        availableHost = memory.host(available);
        usedHost = memory.host(used);
        free = new int[size];
        chainLength = new int[size];
        for (int i = 0; i < size; i++) {
            free[i] = i + 1;
        }
        freeCount = size;
    }

    /** A queue of the format that {@code features} say, at the next free place of the memory. */
    public static DriverQueue of(DriverMemory memory, int size, long features) {
        return isPacked(features)
                ? new PackedDriverQueue(memory, size, features)
                : new SplitDriverQueue(memory, size, features);
    }

    /**
     * As above, a queue that has carried {@code chains} chains of one descriptor each; see {@link
     * #base}.
     */
    public static DriverQueue of(DriverMemory memory, int size, long features, int chains) {
        int base = base(size, features, chains);
        return isPacked(features)
                ? new PackedDriverQueue(memory, size, features, base)
                : new SplitDriverQueue(memory, size, features, base);
    }

    /** {@link VirtqueueConfig#base} of a queue that carried so many chains of one descriptor. */
    public static int base(int size, long features, int chains) {
        if (!isPacked(features)) {
            return chains & 0xFFFF;
        }
        int half = chains % size | (chains / size & 1 ^ 1) << 15;
        return half | half << 16;
    }

    static boolean isPacked(long features) {
        return (features & Virtqueue.RING_PACKED) != 0;
    }

    /** Entries. */
    public final int size() {
        return size;
    }

    /** Where the parts are, as a front end says it. */
    public final VirtqueueConfig.RingAddresses addresses() {
        return new VirtqueueConfig.RingAddresses(
                memory.user(descriptors), memory.user(available), memory.user(used));
    }

    /** Guest address of the descriptor area. */
    public final long descriptors() {
        return descriptors;
    }

    /** Guest address of the driver area. */
    public final long available() {
        return available;
    }

    /** Guest address of the device area. */
    public final long used() {
        return used;
    }

    /** Descriptors that are free. */
    public final int free() {
        return freeCount;
    }

    final void requireFree(int count) {
        if (count > freeCount || count < 1) {
            throw new IllegalStateException(count + " descriptors of " + freeCount);
        }
    }

    /**
     * Adds a chain of one descriptor per buffer; the device sees it after {@link #publish}.
     *
     * @param addresses guest addresses
     * @param lengths in bytes
     * @param count of buffers
     * @param readable how many of them, from the first, are device-readable
     * @return the head, or buffer id
     */
    public abstract int add(long[] addresses, int[] lengths, int count, int readable);

    /** Adds a chain of one device-readable buffer. */
    public final int addReadable(long address, int length) {
        return addOne(address, length, 0, 0);
    }

    /** Adds a chain of one device-writable buffer. */
    public final int addWritable(long address, int length) {
        return addOne(address, length, WRITE, length);
    }

    /** Adds a chain that is in a table; see {@link #add}. The table is at {@code table}. */
    public final int addIndirect(
            long table, long[] addresses, int[] lengths, int count, int readable) {
        fillTable(table, addresses, lengths, count, readable);
        int bytes = 0;
        for (int i = readable; i < count; i++) {
            bytes += lengths[i];
        }
        return addOne(table, count * DESCRIPTOR, INDIRECT, bytes);
    }

    /** Writes the table of a chain at guest address {@code table}; see {@link #add}. */
    public abstract void fillTable(
            long table, long[] addresses, int[] lengths, int count, int readable);

    /** Adds a descriptor that is a chain with so many writable bytes. */
    abstract int addOne(long address, int length, int flags, int writableBytes);

    /**
     * Shows the device what was added.
     *
     * @return whether the device asked to be notified
     */
    public abstract boolean publish();

    /** Takes the next used buffer, if there is one: {@link #usedHead} and {@link #usedLength}. */
    public abstract boolean poll();

    /** Head or buffer id of the chain that {@link #poll} took. */
    public final int usedHead() {
        return usedHead;
    }

    /** What the device says it wrote to it. */
    public final int usedLength() {
        return usedLength;
    }

    /**
     * Asks the device for a notification of the next used buffer.
     *
     * @return false if there is one already
     */
    public abstract boolean arm();

    /** Tells the device that no notification is wanted. */
    public abstract void disarm();

    /** The second half of a descriptor: length and two shorts. */
    static long rest(int length, int third, int fourth) {
        return (length & 0xFFFF_FFFFL) | (third & 0xFFFFL) << 32 | (long) fourth << 48;
    }
}
