package io.vireo.testkit;

import io.vireo.linux.ForeignMemory;
import io.vireo.virtqueue.Virtqueue;
import java.util.ArrayList;
import java.util.List;

/**
 * The driver's side of a packed virtqueue (VIRTIO 1.3, 2.8). The first descriptor of what was added
 * since the last {@link #publish} is written last: the device looks at no other before it.
 */
public final class PackedDriverQueue extends DriverQueue {
    public static final int AVAIL = 1 << 7;
    public static final int USED = 1 << 15;
    public static final int ENABLE = 0;
    public static final int DISABLE = 1;
    public static final int DESC = 2;

    private static final int REST = 8;
    private static final int EVENT_SUPPRESSION = 4;
    private static final int ID = 32;
    private static final int FLAGS = 48;
    private static final int INDEX = 0x7FFF;

    private final boolean inOrder;

    /** By buffer id: bytes of its device-writable part. */
    private final int[] writable;

    /** Buffer ids in the order in which they were made available: of use with IN_ORDER. */
    private final int[] order;

    private long orderAdded;
    private long orderTaken;

    private int next;
    private int wrap;
    private int used;
    private int usedWrap;

    private int unpublished;
    private long firstAt;
    private long firstRest;

    /** With IN_ORDER: the last of a batch that was used at once, and its length; -1 for none. */
    private int batchLast = -1;

    private int batchLength;

    /** A queue at the next free place of {@code memory}, at its beginning. */
    public PackedDriverQueue(DriverMemory memory, int size, long features) {
        this(memory, size, features, 1 << 15);
    }

    /** A queue that begins at {@code base}: position and wrap counter in 16 bits. */
    public PackedDriverQueue(DriverMemory memory, int size, long features, int base) {
        super(memory, size, features, EVENT_SUPPRESSION, EVENT_SUPPRESSION);
        inOrder = (features & Virtqueue.IN_ORDER) != 0;
        writable = new int[size];
        order = new int[size];
        next = base & INDEX;
        wrap = base >>> 15 & 1;
        used = next;
        usedWrap = wrap;
        // As a device left it that used every descriptor once in each lap.
        for (int i = 0; i < size; i++) {
            flags(i, (i < next ? wrap : wrap ^ 1) != 0 ? AVAIL | USED : 0);
        }
    }

    @Override
    public int add(long[] addresses, int[] lengths, int count, int readable) {
        requireFree(count);
        int id = freeHead;
        int bytes = 0;
        for (int i = 0; i < count; i++) {
            int flags = (i < readable ? 0 : WRITE) | (i < count - 1 ? NEXT : 0);
            put(addresses[i], lengths[i], id, flags);
            bytes += i < readable ? 0 : lengths[i];
        }
        return take(id, count, bytes);
    }

    @Override
    public void fillTable(long table, long[] addresses, int[] lengths, int count, int readable) {
        for (int i = 0; i < count; i++) {
            entry(table, i, addresses[i], lengths[i], 0, i < readable ? 0 : WRITE);
        }
    }

    @Override
    int addOne(long address, int length, int flags, int writableBytes) {
        requireFree(1);
        put(address, length, freeHead, flags);
        return take(freeHead, 1, writableBytes);
    }

    private void put(long address, int length, int id, int flags) {
        long at = descriptorsHost + (long) DESCRIPTOR * next;
        long rest = rest(length, id, flags | availability());
        ForeignMemory.putLong(at, address);
        if (unpublished == 0) {
            firstAt = at + REST;
            firstRest = rest;
        } else {
            ForeignMemory.putLong(at + REST, rest);
        }
        unpublished++;
        if (++next == size) {
            next = 0;
            wrap ^= 1;
        }
    }

    private int take(int id, int count, int writableBytes) {
        freeHead = free[id];
        freeCount -= count;
        chainLength[id] = count;
        writable[id] = writableBytes;
        order[(int) (orderAdded++ % size)] = id;
        return id;
    }

    @Override
    public boolean publish() {
        int count = unpublished;
        if (count == 0) {
            return false;
        }
        ForeignMemory.putLongRelease(firstAt, firstRest);
        unpublished = 0;
        ForeignMemory.fullFence();
        int wish = deviceEvent();
        int flags = wish >>> 16;
        if (flags != DESC) {
            return flags != DISABLE;
        }
        int event = (wish & INDEX) - ((wish >>> 15 & 1) == wrap ? 0 : size);
        int behind = next - event - 1;
        return behind >= 0 && behind < count;
    }

    @Override
    public boolean poll() {
        if (batchLast < 0) {
            if (!isUsed()) {
                return false;
            }
            long rest =
                    ForeignMemory.getLongAcquire(descriptorsHost + (long) DESCRIPTOR * used + REST);
            batchLast = (int) (rest >>> ID) & 0xFFFF;
            batchLength = (rest >>> FLAGS & WRITE) != 0 ? (int) rest : 0;
        }
        int id = inOrder ? order[(int) (orderTaken++ % size)] : batchLast;
        if (id >= size || chainLength[id] == 0) {
            throw new IllegalStateException("the device used " + id + ", which it had not");
        }
        usedHead = id;
        usedLength = id == batchLast ? batchLength : writable[id];
        batchLast = id == batchLast ? -1 : batchLast;
        used += chainLength[id];
        if (used >= size) {
            used -= size;
            usedWrap ^= 1;
        }
        free[id] = freeHead;
        freeHead = id;
        freeCount += chainLength[id];
        chainLength[id] = 0;
        return true;
    }

    private boolean isUsed() {
        return isUsed(used, usedWrap);
    }

    private boolean isUsed(int position, int lap) {
        long at = descriptorsHost + (long) DESCRIPTOR * position + REST;
        int flags = (int) (ForeignMemory.getLongAcquire(at) >>> FLAGS) & (AVAIL | USED);
        return flags == (lap != 0 ? AVAIL | USED : 0);
    }

    /** Buffer ids that {@link #poll} would take; without IN_ORDER. */
    public List<Integer> visible() {
        List<Integer> ids = new ArrayList<>();
        int position = used;
        int lap = usedWrap;
        int left = size;
        while (left > 0 && isUsed(position, lap)) {
            int id = id(position);
            if (id >= size || chainLength[id] == 0) {
                break;
            }
            ids.add(id);
            left -= chainLength[id];
            position += chainLength[id];
            if (position >= size) {
                position -= size;
                lap ^= 1;
            }
        }
        return ids;
    }

    @Override
    public boolean arm() {
        driverEvent(eventIndex ? used | usedWrap << 15 | DESC << 16 : ENABLE << 16);
        ForeignMemory.fullFence();
        return batchLast < 0 && !isUsed();
    }

    @Override
    public void disarm() {
        driverEvent(DISABLE << 16);
    }

    // --- Anything else ---

    /** Position of the next descriptor to be made available. */
    public int next() {
        return next;
    }

    /** The bits that make a descriptor available now. */
    public int availability() {
        return wrap != 0 ? AVAIL : USED;
    }

    /** Passes over a descriptor that was written by {@link #descriptor}. */
    public void skip() {
        if (++next == size) {
            next = 0;
            wrap ^= 1;
        }
    }

    /** Writes a descriptor of the ring, its flags last. */
    public void descriptor(int position, long address, int length, int id, int flags) {
        long at = descriptorsHost + (long) DESCRIPTOR * position;
        ForeignMemory.putLong(at, address);
        ForeignMemory.putLongRelease(at + REST, rest(length, id, flags));
    }

    /**
     * Makes a descriptor available behind the last one, whatever it says; with these flags, too.
     */
    public void offer(long address, int length, int id, int flags) {
        int position = next;
        int bits = availability() ^ flags & (AVAIL | USED) | flags & ~(AVAIL | USED);
        skip();
        descriptor(position, address, length, id, bits);
    }

    /** Writes a descriptor of a table at guest address {@code table}. */
    public void entry(long table, int index, long address, int length, int id, int flags) {
        long at = memory.host(table) + (long) DESCRIPTOR * index;
        ForeignMemory.putLong(at, address);
        ForeignMemory.putLong(at + REST, rest(length, id, flags));
    }

    /** Writes flags of a descriptor. */
    public void flags(int position, int flags) {
        ForeignMemory.putShort(descriptorsHost + (long) DESCRIPTOR * position + 14, (short) flags);
    }

    /** Reads flags of a descriptor. */
    public int flags(int position) {
        return ForeignMemory.getShort(descriptorsHost + (long) DESCRIPTOR * position + 14) & 0xFFFF;
    }

    /** Reads the buffer id of a descriptor. */
    public int id(int position) {
        return ForeignMemory.getShort(descriptorsHost + (long) DESCRIPTOR * position + 12) & 0xFFFF;
    }

    /** Writes the driver event suppression structure: offset, wrap counter, flags from bit 16. */
    public void driverEvent(int value) {
        ForeignMemory.putInt(availableHost, value);
    }

    /** Reads the device event suppression structure, likewise. */
    public int deviceEvent() {
        return ForeignMemory.getInt(usedHost);
    }
}
