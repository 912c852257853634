package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The record of one split queue's in-flight heads in memory that outlives this process, as
 * VHOST_USER_SET_INFLIGHT_FD shares it (QEMU, docs/interop/vhost-user.rst, "Inflight I/O tracking":
 * {@code QueueRegionSplit} and {@code DescStateSplit}). The front end holds it meanwhile: what
 * comes back is copied once, validated and not believed.
 *
 * <p>Stores are ordered such that this process may be killed between any two of them: a head is
 * marked before the device sees it, and its mark goes after the used index was published; between
 * the two, the list of the last batch says which marks are void. Serves one queue, once.
 */
public final class InflightRegion {
    // struct QueueRegionSplit
    private static final int FEATURES = 0;
    private static final int VERSION = 8;
    private static final int DESC_NUM = 10;
    private static final int LAST_BATCH_HEAD = 12;
    private static final int USED_IDX = 14;
    private static final int HEADER_SIZE = 16;
    // struct DescStateSplit
    private static final int INFLIGHT = 0;
    private static final int NEXT = 6;
    private static final int COUNTER = 8;
    private static final int ENTRY_SIZE = 16;

    private static final int CURRENT_VERSION = 1;
    private static final int ALIGNMENT = 64;
    private static final int MAX_QUEUES = 0xFFFF;

    private final long address;
    private final int entries;
    private final Runnable observer;
    private final int[] batch;
    private int batched;
    private int lastBatchHead;
    private long counter;

    private InflightRegion(long address, int entries, Runnable observer) {
        this.address = address;
        this.entries = entries;
        this.observer = observer;
        this.batch = new int[entries];
    }

    /**
     * Bytes for the regions of {@code queues} queues. Zeros are a valid content: nothing in flight.
     *
     * @param queues 1 to 65535
     * @param queueSize a power of 2, 1 to 32768
     * @throws IllegalArgumentException for other numbers
     */
    public static long size(int queues, int queueSize) {
        if (queues < 1 || queues > MAX_QUEUES) {
            throw new IllegalArgumentException(queues + " queues");
        }
        if (queueSize < 1
                || queueSize > VirtqueueConfig.MAX_SIZE
                || Integer.bitCount(queueSize) != 1) {
            throw new IllegalArgumentException("queue size " + queueSize);
        }
        return queues * regionSize(queueSize);
    }

    private static long regionSize(int queueSize) {
        long bytes = HEADER_SIZE + (long) ENTRY_SIZE * queueSize;
        return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
    }

    /**
     * The region of one queue.
     *
     * @param base native address of the region of queue 0, a multiple of 8
     * @param queue its index
     * @param queueSize what the whole was made for
     */
    public static InflightRegion of(long base, int queue, int queueSize) {
        return observed(base, queue, queueSize, () -> {});
    }

    /**
     * As {@link #of}; {@code observer} runs after every store, which is where a process may die.
     */
    static InflightRegion observed(long base, int queue, int queueSize, Runnable observer) {
        size(queue + 1, queueSize);
        if ((base & (Long.BYTES - 1)) != 0) {
            throw new IllegalArgumentException("misaligned address");
        }
        return new InflightRegion(base + queue * regionSize(queueSize), queueSize, observer);
    }

    /** Entries of the queue that it was made for. */
    int entries() {
        return entries;
    }

    /**
     * Brings the region in line with the used ring.
     *
     * @param ringUsed the used ring's index
     * @return heads in flight, in the order in which they were fetched
     * @throws VirtqueueException if the content is not what we leave
     */
    int[] recover(int ringUsed) throws VirtqueueException {
        byte[] copy = new byte[HEADER_SIZE + entries * ENTRY_SIZE];
        ForeignMemory.copyToArray(address, copy, 0, copy.length);
        Snapshot last = new Snapshot(copy);
        if (last.version() == 0) {
            initialize(ringUsed);
            return new int[0];
        }
        last.checkHeader(entries);
        boolean[] inflight = last.inflight(entries);
        int[] voided = last.lastBatch(inflight, ringUsed);
        for (int head : voided) {
            inflight[head] = false;
            putInflight(head, 0);
        }
        putShort(USED_IDX, ringUsed);
        lastBatchHead = last.lastBatchHead() < entries ? last.lastBatchHead() : 0;
        int[] heads =
                IntStream.range(0, entries)
                        .filter(head -> inflight[head])
                        .boxed()
                        .sorted(
                                Comparator.comparing(
                                        (Integer head) -> last.counter(head),
                                        Long::compareUnsigned))
                        .mapToInt(Integer::intValue)
                        .toArray();
        counter = heads.length == 0 ? 0 : last.counter(heads[heads.length - 1]) + 1;
        return heads;
    }

    private void initialize(int ringUsed) {
        ForeignMemory.fill(address, HEADER_SIZE + (long) ENTRY_SIZE * entries, (byte) 0);
        putShort(DESC_NUM, entries);
        putShort(USED_IDX, ringUsed);
        putShort(VERSION, CURRENT_VERSION);
    }

    /** The device is about to see a chain. */
    void popped(int head) {
        ForeignMemory.putLongRelease(entry(head) + COUNTER, counter);
        observer.run();
        putInflight(head, 1);
        counter++;
    }

    /** A chain goes back to the available ring: the one that was popped last. */
    void rewound(int head) {
        putInflight(head, 0);
    }

    /** A chain joins the batch that the next used index covers. */
    void pushed(int head) {
        ForeignMemory.putShortRelease(entry(head) + NEXT, (short) lastBatchHead);
        observer.run();
        putShort(LAST_BATCH_HEAD, head);
        lastBatchHead = head;
        batch[batched++] = head;
    }

    /** The used index that covers the batch is visible to the driver. */
    void published(int usedIndex) {
        observer.run();
        for (int i = 0; i < batched; i++) {
            putInflight(batch[i], 0);
        }
        putShort(USED_IDX, usedIndex);
        batched = 0;
    }

    private long entry(int head) {
        return address + HEADER_SIZE + (long) head * ENTRY_SIZE;
    }

    private void putInflight(int head, int value) {
        // Orders the byte after the stores before it, as putShortRelease does for shorts: the
        // padding behind it is ours.
        ForeignMemory.putShortRelease(entry(head) + INFLIGHT, (short) value);
        observer.run();
    }

    private void putShort(int field, int value) {
        ForeignMemory.putShortRelease(address + field, (short) value);
        observer.run();
    }

    /** A copy of the region: nobody changes it between check and use. */
    private static final class Snapshot {
        private final byte[] bytes;

        Snapshot(byte[] bytes) {
            this.bytes = bytes;
        }

        int version() {
            return unsignedShort(VERSION);
        }

        int lastBatchHead() {
            return unsignedShort(LAST_BATCH_HEAD);
        }

        long counter(int head) {
            return number(HEADER_SIZE + head * ENTRY_SIZE + COUNTER, Long.BYTES);
        }

        void checkHeader(int entries) throws VirtqueueException {
            if (version() != CURRENT_VERSION) {
                throw new VirtqueueException("in-flight region of version " + version());
            }
            if (number(FEATURES, Long.BYTES) != 0) {
                throw new VirtqueueException("in-flight region with unknown features");
            }
            if (unsignedShort(DESC_NUM) != entries) {
                throw new VirtqueueException(
                        "in-flight region for "
                                + unsignedShort(DESC_NUM)
                                + " descriptors, the queue has "
                                + entries);
            }
        }

        boolean[] inflight(int entries) throws VirtqueueException {
            boolean[] inflight = new boolean[entries];
            for (int head = 0; head < entries; head++) {
                int mark = bytes[HEADER_SIZE + head * ENTRY_SIZE + INFLIGHT];
                if (mark != 0 && mark != 1) {
                    throw new VirtqueueException(
                            "in-flight mark " + (mark & 0xFF) + " of descriptor " + head);
                }
                inflight[head] = mark == 1;
            }
            return inflight;
        }

        /** The heads that the driver saw used, whose marks a killed process did not take back. */
        int[] lastBatch(boolean[] inflight, int ringUsed) throws VirtqueueException {
            int count = (ringUsed - unsignedShort(USED_IDX)) & 0xFFFF;
            if (count == 0 || nothing(inflight)) {
                // Where nothing is in flight there is nothing to take back, however far a region
                // that somebody else initialized is behind the ring.
                return new int[0];
            }
            if (count > inflight.length) {
                throw new VirtqueueException(
                        "in-flight region is " + count + " used buffers behind the used ring");
            }
            int[] heads = new int[count];
            boolean[] seen = new boolean[inflight.length];
            int head = lastBatchHead();
            for (int i = 0; i < count; i++) {
                if (head >= inflight.length) {
                    throw new VirtqueueException(
                            "in-flight region's last batch has descriptor " + head);
                }
                if (seen[head]) {
                    throw new VirtqueueException("in-flight region's last batch loops");
                }
                seen[head] = true;
                heads[i] = head;
                head = unsignedShort(HEADER_SIZE + head * ENTRY_SIZE + NEXT);
            }
            return heads;
        }

        private static boolean nothing(boolean[] inflight) {
            for (boolean mark : inflight) {
                if (mark) {
                    return false;
                }
            }
            return true;
        }

        private int unsignedShort(int offset) {
            return (int) number(offset, Short.BYTES);
        }

        private long number(int offset, int size) {
            long value = 0;
            for (int i = size - 1; i >= 0; i--) {
                value = value << 8 | (bytes[offset + i] & 0xFF);
            }
            return value;
        }
    }
}
