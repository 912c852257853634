package io.vireo.testkit;

import io.vireo.linux.ForeignMemory;

/** The driver's side of a split virtqueue (VIRTIO 1.3, 2.7). */
public final class SplitDriverQueue extends DriverQueue {
    private static final int RING = 4;
    private static final int USED_ELEMENT = 8;

    private int availableIndex;
    private int publishedIndex;
    private int usedIndex;

    /** A queue at the next free place of {@code memory}, its indices at 0. */
    public SplitDriverQueue(DriverMemory memory, int size, long features) {
        this(memory, size, features, 0);
    }

    /** A queue whose indices both begin at {@code base}. */
    public SplitDriverQueue(DriverMemory memory, int size, long features, int base) {
        super(memory, size, features, RING + 2L * size + 2, RING + (long) USED_ELEMENT * size + 2);
        availableIndex = base;
        publishedIndex = base;
        usedIndex = base;
        availableIndex(base);
        ForeignMemory.putShort(usedHost + 2, (short) base);
    }

    @Override
    public int add(long[] addresses, int[] lengths, int count, int readable) {
        requireFree(count);
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

    @Override
    public void fillTable(long table, long[] addresses, int[] lengths, int count, int readable) {
        for (int i = 0; i < count; i++) {
            int flags = (i < readable ? 0 : WRITE) | (i < count - 1 ? NEXT : 0);
            entry(table, i, addresses[i], lengths[i], flags, i + 1);
        }
    }

    @Override
    int addOne(long address, int length, int flags, int writableBytes) {
        requireFree(1);
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

    @Override
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

    @Override
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

    @Override
    public boolean arm() {
        if (eventIndex) {
            usedEvent(usedIndex);
        } else {
            availFlags(0);
        }
        ForeignMemory.fullFence();
        return usedIndex() == usedIndex;
    }

    @Override
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
        ForeignMemory.putLong(at + 8, rest(length, flags, next));
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
