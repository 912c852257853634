package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * The record of a split queue ({@code QueueRegionSplit} and {@code DescStateSplit}): a head is
 * marked before the device sees it, and its mark goes after the used index was published; between
 * the two, the list of the last batch says which marks are void.
 */
final class SplitInflightRegion extends InflightRegion {
    // struct QueueRegionSplit
    private static final int LAST_BATCH_HEAD = 12;
    private static final int USED_IDX = 14;
    private static final int HEADER_SIZE = 16;
    // struct DescStateSplit
    private static final int NEXT = 6;
    private static final int COUNTER = 8;
    private static final int ENTRY_SIZE = 16;

    private final int[] batch;
    private int batched;
    private int lastBatchHead;
    private long counter;

    SplitInflightRegion(long address, int entries, Runnable observer) {
        super(address, entries, observer);
        this.batch = new int[entries];
    }

    static long bytes(int entries) {
        return HEADER_SIZE + (long) ENTRY_SIZE * entries;
    }

    /**
     * Brings the region in line with the used ring.
     *
     * @param ringUsed the used ring's index
     * @param size entries of the queue, which may be fewer than here
     * @return heads in flight, in the order in which they were fetched
     * @throws VirtqueueException if the content is not what we leave
     */
    int[] recover(int ringUsed, int size) throws VirtqueueException {
        checkEntries(size);
        int[] heads = recover(ringUsed);
        for (int head : heads) {
            if (head >= size) {
                throw new VirtqueueException(
                        "in-flight record of head " + head + ", the queue has " + size);
            }
        }
        return heads;
    }

    private int[] recover(int ringUsed) throws VirtqueueException {
        Snapshot last = snapshot((int) bytes(entries()));
        if (last.version() == 0) {
            initialize(ringUsed);
            return new int[0];
        }
        last.checkHeader(entries());
        boolean[] inflight = last.inflight(entries(), HEADER_SIZE, ENTRY_SIZE);
        int[] voided = lastBatch(last, inflight, ringUsed);
        for (int head : voided) {
            inflight[head] = false;
            putInflight(head, 0);
        }
        putShort(USED_IDX, ringUsed);
        int lastHead = last.unsignedShort(LAST_BATCH_HEAD);
        lastBatchHead = lastHead < entries() ? lastHead : 0;
        int[] heads =
                IntStream.range(0, entries())
                        .filter(head -> inflight[head])
                        .boxed()
                        .sorted(
                                Comparator.comparing(
                                        (Integer head) -> counter(last, head),
                                        Long::compareUnsigned))
                        .mapToInt(Integer::intValue)
                        .toArray();
        counter = heads.length == 0 ? 0 : counter(last, heads[heads.length - 1]) + 1;
        return heads;
    }

    private static long counter(Snapshot last, int head) {
        return last.number(HEADER_SIZE + head * ENTRY_SIZE + COUNTER, Long.BYTES);
    }

    /** The heads that the driver saw used, whose marks a killed process did not take back. */
    private static int[] lastBatch(Snapshot last, boolean[] inflight, int ringUsed)
            throws VirtqueueException {
        int count = (ringUsed - last.unsignedShort(USED_IDX)) & 0xFFFF;
        if (count == 0 || nothing(inflight)) {
            // Where nothing is in flight there is nothing to take back, however far a region that
            // somebody else initialized is behind the ring.
            return new int[0];
        }
        if (count > inflight.length) {
            throw new VirtqueueException(
                    "in-flight region is " + count + " used buffers behind the used ring");
        }
        int[] heads = new int[count];
        boolean[] seen = new boolean[inflight.length];
        int head = last.unsignedShort(LAST_BATCH_HEAD);
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
            head = last.unsignedShort(HEADER_SIZE + head * ENTRY_SIZE + NEXT);
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

    private void initialize(int ringUsed) {
        ForeignMemory.fill(address, bytes(entries()), (byte) 0);
        putShort(DESC_NUM, entries());
        putShort(USED_IDX, ringUsed);
        putShort(VERSION, CURRENT_VERSION);
    }

    /** The device is about to see a chain. */
    void popped(int head) {
        putLong(entry(head) + COUNTER, counter);
        putInflight(head, 1);
        counter++;
    }

    /** A chain goes back to the available ring: the one that was popped last. */
    void rewound(int head) {
        putInflight(head, 0);
    }

    /** A chain joins the batch that the next used index covers. */
    void pushed(int head) {
        putShort(entry(head) + NEXT, lastBatchHead);
        putShort(LAST_BATCH_HEAD, head);
        lastBatchHead = head;
        batch[batched++] = head;
    }

    /** The used index that covers the batch is visible to the driver. */
    void published(int usedIndex) {
        observe();
        for (int i = 0; i < batched; i++) {
            putInflight(batch[i], 0);
        }
        putShort(USED_IDX, usedIndex);
        batched = 0;
    }

    private static long entry(int head) {
        return HEADER_SIZE + (long) head * ENTRY_SIZE;
    }

    private void putInflight(int head, int value) {
        // Orders the byte after the stores before it, as putShortRelease does for shorts: the
        // padding behind it is ours.
        putShort(entry(head), value);
    }
}
