package io.vireo.testkit;

import io.vireo.linux.ForeignMemory;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.VirtqueueConfig;

/**
 * The driver's side of a split virtqueue (VIRTIO 1.3, 2.7). The upper half keeps the rules: {@link
 * #add}, {@link #publish}, {@link #poll}; {@link #stage} and {@link #collect} are their quick forms
 * for a benchmark. The lower half writes whatever it is told. Allocates nothing after construction.
 * One thread.
 */
public final class DriverQueue {
    public static final int NEXT = 1;
    public static final int WRITE = 2;
    public static final int INDIRECT = 4;

    private static final int DESCRIPTOR = 16;
    private static final int RING = 4;
    private static final int USED_ELEMENT = 8;

    private final DriverMemory memory;
    private final int size;
    private final boolean eventIndex;
    private final long descriptors;
    private final long available;
    private final long used;
    // The same, where the driver sees them.
    private final long descriptorsHost;
    private final long availableHost;
    private final long usedHost;

    private final int[] free;
    private int freeHead;
    private int freeCount;
    private final int[] chainLength;

    private int availableIndex;
    private int publishedIndex;
    private int usedIndex;
    private int usedHead;
    private int usedLength;

    /** A queue at the next free place of {@code memory}, its indices at 0. */
    public DriverQueue(DriverMemory memory, int size, long features) {
        this(memory, size, features, 0);
    }

    /** A queue whose indices both begin at {@code base}. */
    public DriverQueue(DriverMemory memory, int size, long features, int base) {
        this.memory = memory;
        this.size = size;
        eventIndex = (features & Virtqueue.EVENT_IDX) != 0;
        descriptors = memory.allocate((long) DESCRIPTOR * size, 64);
        available = memory.allocate(RING + 2L * size + 2, 64);
        used = memory.allocate(RING + (long) USED_ELEMENT * size + 2, 64);
        descriptorsHost = memory.host(descriptors);
        availableHost = memory.host(available);
        usedHost = memory.host(used);
        free = new int[size];
        chainLength = new int[size];
        for (int i = 0; i < size; i++) {
            free[i] = i + 1;
        }
        freeCount = size;
        availableIndex = base;
        publishedIndex = base;
        usedIndex = base;
        availableIndex(base);
        ForeignMemory.putShort(usedHost + 2, (short) base);
    }

    /** Entries. */
    public int size() {
        return size;
    }

    /** Where the rings are, as a front end says it. */
    public VirtqueueConfig.RingAddresses addresses() {
        return new VirtqueueConfig.RingAddresses(
                memory.user(descriptors), memory.user(available), memory.user(used));
    }

    /** Guest address of the descriptor table. */
    public long descriptors() {
        return descriptors;
    }

    /** Guest address of the available ring. */
    public long available() {
        return available;
    }

    /** Guest address of the used ring. */
    public long used() {
        return used;
    }

    // --- A driver that keeps the rules ---

    /** Descriptors that are free. */
    public int free() {
        return freeCount;
    }

    /**
     * Adds a chain of one descriptor per buffer; the device sees it after {@link #publish}.
     *
     * @param addresses guest addresses
     * @param lengths in bytes
     * @param count of buffers
     * @param readable how many of them, from the first, are device-readable
     * @return the head
     */
    public int add(long[] addresses, int[] lengths, int count, int readable) {
        if (count > freeCount || count < 1) {
            throw new IllegalStateException(count + " descriptors of " + freeCount);
        }
        int head = freeHead;
        int at = head;
        for (int i = 0; i < count; i++) {
            int next = free[at];
            int flags = (i < readable ? 0 : WRITE) | (i < count - 1 ? NEXT : 0);
            descriptor(at, addresses[i], lengths[i], flags, i < count - 1 ? next : 0);
            at = next;
        }
        return take(head, at, count);
    }

    /** Adds a chain of one device-readable buffer. */
    public int addReadable(long address, int length) {
        return addOne(address, length, 0);
    }

    /** Adds a chain of one device-writable buffer. */
    public int addWritable(long address, int length) {
        return addOne(address, length, WRITE);
    }

    /** Adds a chain that is in a table; see {@link #add}. The table is at {@code table}. */
    public int addIndirect(long table, long[] addresses, int[] lengths, int count, int readable) {
        for (int i = 0; i < count; i++) {
            int flags = (i < readable ? 0 : WRITE) | (i < count - 1 ? NEXT : 0);
            entry(table, i, addresses[i], lengths[i], flags, i + 1);
        }
        return addOne(table, count * DESCRIPTOR, INDIRECT);
    }

    private int addOne(long address, int length, int flags) {
        if (freeCount == 0) {
            throw new IllegalStateException("the queue is full");
        }
        int head = freeHead;
        int next = free[head];
        descriptor(head, address, length, flags, 0);
        return take(head, next, 1);
    }

    private int take(int head, int next, int count) {
        freeHead = next;
        freeCount -= count;
        chainLength[head] = count;
        stage(head);
        return head;
    }

    /**
     * Shows the device what was added.
     *
     * @return whether the device asked to be notified
     */
    public boolean publish() {
        int before = publishedIndex;
        int now = availableIndex;
        if (before == now) {
            return false;
        }
        ForeignMemory.putShortRelease(availableHost + 2, (short) now);
        publishedIndex = now;
        ForeignMemory.fullFence();
        if (!eventIndex) {
            return (usedFlags() & 1) == 0;
        }
        return ((now - availEvent() - 1) & 0xFFFF) < ((now - before) & 0xFFFF);
    }

    /** Takes the next used buffer, if there is one: {@link #usedHead} and {@link #usedLength}. */
    public boolean poll() {
        if (!collect()) {
            return false;
        }
        if (usedHead < 0 || usedHead >= size || chainLength[usedHead] == 0) {
            throw new IllegalStateException("the device used " + usedHead + ", which it had not");
        }
        int last = usedHead;
        for (int i = 1; i < chainLength[usedHead]; i++) {
            last = free[last];
        }
        free[last] = freeHead;
        freeHead = usedHead;
        freeCount += chainLength[usedHead];
        chainLength[usedHead] = 0;
        return true;
    }

    /** Head of the chain that {@link #poll} or {@link #collect} took. */
    public int usedHead() {
        return usedHead;
    }

    /** What the device says it wrote to it. */
    public int usedLength() {
        return usedLength;
    }

    /**
     * Asks the device for a notification of the next used buffer.
     *
     * @return false if there is one already
     */
    public boolean arm() {
        if (eventIndex) {
            usedEvent(usedIndex);
        } else {
            availFlags(0);
        }
        ForeignMemory.fullFence();
        return usedIndex() == usedIndex;
    }

    /** Tells the device that no notification is wanted. */
    public void disarm() {
        if (eventIndex) {
            usedEvent(usedIndex - 1);
        } else {
            availFlags(1);
        }
    }

    // --- A driver that writes its chains once and uses them over and over ---

    /**
     * Makes a chain available whose descriptors are written; the device sees it after {@link
     * #publish}.
     */
    public void stage(int head) {
        available(availableIndex & (size - 1), head);
        availableIndex = (availableIndex + 1) & 0xFFFF;
    }

    /**
     * Takes the next used buffer, if there is one, but leaves its descriptors as they are: {@link
     * #usedHead} and {@link #usedLength}.
     */
    public boolean collect() {
        if ((ForeignMemory.getShortAcquire(usedHost + 2) & 0xFFFF) == usedIndex) {
            return false;
        }
        long element = usedHost + RING + (long) USED_ELEMENT * (usedIndex & (size - 1));
        usedHead = ForeignMemory.getInt(element);
        usedLength = ForeignMemory.getInt(element + 4);
        usedIndex = (usedIndex + 1) & 0xFFFF;
        return true;
    }

    // --- Anything else ---

    /** Writes a descriptor. */
    public void descriptor(int index, long address, int length, int flags, int next) {
        write(descriptorsHost + (long) DESCRIPTOR * index, address, length, flags, next);
    }

    /** Writes a descriptor of a table at guest address {@code table}. */
    public void entry(long table, int index, long address, int length, int flags, int next) {
        write(memory.host(table) + (long) DESCRIPTOR * index, address, length, flags, next);
    }

    private static void write(long at, long address, int length, int flags, int next) {
        ForeignMemory.putLong(at, address);
        ForeignMemory.putLong(
                at + 8, (length & 0xFFFF_FFFFL) | (long) flags << 32 | (long) next << 48);
    }

    /** Writes the available ring at a position. */
    public void available(int position, int head) {
        ForeignMemory.putShort(availableHost + RING + 2L * position, (short) head);
    }

    /** Writes the available index. */
    public void availableIndex(int index) {
        ForeignMemory.putShortRelease(availableHost + 2, (short) index);
    }

    /** Makes one head available, behind what was published, whether it is free or not. */
    public void offer(int head) {
        available(publishedIndex & (size - 1), head);
        publishedIndex = (publishedIndex + 1) & 0xFFFF;
        availableIndex = publishedIndex;
        availableIndex(publishedIndex);
    }

    /** Writes flags of the available ring. */
    public void availFlags(int flags) {
        ForeignMemory.putShort(availableHost, (short) flags);
    }

    /** Writes used_event. */
    public void usedEvent(int index) {
        ForeignMemory.putShort(availableHost + RING + 2L * size, (short) index);
    }

    /** Reads the used index. */
    public int usedIndex() {
        return ForeignMemory.getShortAcquire(usedHost + 2) & 0xFFFF;
    }

    /** Reads the head in the used ring at a position. */
    public int usedHeadAt(int position) {
        return ForeignMemory.getInt(usedHost + RING + (long) USED_ELEMENT * position);
    }

    /** Reads flags of the used ring. */
    public int usedFlags() {
        return ForeignMemory.getShort(usedHost) & 0xFFFF;
    }

    /** Reads avail_event. */
    public int availEvent() {
        return ForeignMemory.getShort(usedHost + RING + (long) USED_ELEMENT * size) & 0xFFFF;
    }
}
