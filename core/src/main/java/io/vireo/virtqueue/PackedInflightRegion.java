package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The record of a packed queue ({@code QueueRegionPacked} and {@code DescStatePacked}). Used
 * descriptors overwrite those of chains in flight, so each descriptor of a chain is kept in an
 * entry of its own; those without one are in the free list.
 *
 * <p>A chain is in flight if its head's entry is marked and not in the free list. A batch is used
 * when its first used descriptor is in the ring: until then the {@code old_} fields count, and
 * after it the others. Fields that change together share a 64-bit store.
 */
final class PackedInflightRegion extends InflightRegion {
    // struct QueueRegionPacked
    private static final int FREE_HEAD = 12;
    private static final int OLD_FREE_HEAD = 14;
    private static final int USED_IDX = 16;
    private static final int OLD_USED_IDX = 18;
    private static final int USED_WRAP_COUNTER = 20;
    private static final int OLD_USED_WRAP_COUNTER = 21;
    private static final int HEADER_SIZE = 32;
    // struct DescStatePacked: inflight, padding, next, last and num are one number of 64 bits
    private static final int NEXT = 2;
    private static final int LAST = 4;
    private static final int NUM = 6;
    private static final int COUNTER = 8;
    private static final int ID = 16;
    private static final int FLAGS = 18;
    private static final int LENGTH = 20;
    private static final int ADDRESS = 24;
    private static final int ENTRY_SIZE = 32;

    /** The entry that follows each in the list that it is in. */
    private final char[] next;

    /** By buffer id, of chains in flight: first and last entry, and their number. */
    private final char[] heads;

    private final char[] lasts;
    private final char[] counts;

    /** Chains pushed, by buffer id; the first {@link #committing} are being published. */
    private final char[] batch;

    private int batched;
    private int committing;

    private int freeHead;
    private int committedFreeHead;
    private long counter;

    // Where the next used descriptor goes.
    private int used;
    private int wrap;
    private int committedUsed;
    private int committedWrap;

    PackedInflightRegion(long address, int entries, Runnable observer) {
        super(address, entries, observer);
        next = new char[entries];
        heads = new char[entries];
        lasts = new char[entries];
        counts = new char[entries];
        batch = new char[entries];
    }

    static long bytes(int entries) {
        return HEADER_SIZE + (long) ENTRY_SIZE * entries;
    }

    /** Position in the ring of the next used descriptor. */
    int used() {
        return used;
    }

    /** Device ring wrap counter there, 0 or 1. */
    int wrap() {
        return wrap;
    }

    // --- After a restart ---

    /**
     * Makes the ring what it would be if the chains in flight had just been made available, in the
     * order in which they were fetched, from {@link #used} on; then nothing is in flight. The
     * descriptors there belong to the device: the driver does not look at them before they are
     * used.
     *
     * @param ring native address of the descriptor ring
     * @param size its entries
     * @param base where it began, if the record was never used
     * @return chains that were in flight
     * @throws VirtqueueException if the content is not what we leave
     */
    int recover(long ring, int size, int base) throws VirtqueueException {
        Snapshot left = snapshot((int) bytes(entries()));
        if (left.version() == 0) {
            used = PackedRing.position(base);
            wrap = PackedRing.wrap(base);
            initialize();
            return 0;
        }
        left.checkHeader(entries());
        boolean[] inflight = left.inflight(entries(), HEADER_SIZE, ENTRY_SIZE);
        settle(left, ring, size);
        List<int[]> chains = chains(left, inflight, size);
        // Until here nothing was written. Whenever we die from now on, the same is found again, or
        // fewer chains are in flight and the others are in the ring behind them.
        putFree(freeHead, freeHead);
        putUsed(used, used, wrap, wrap);
        restore(left, chains, ring, size);
        for (int i = chains.size() - 1; i >= 0; i--) {
            putShort(entry(chains.get(i)[0]), 0);
        }
        for (int i = 0; i < entries(); i++) {
            if (inflight[i]) {
                putShort(entry(i), 0);
            }
        }
        link();
        return chains.size();
    }

    /** Finds out whether the last batch was published, and takes the fields that say so. */
    private void settle(Snapshot left, long ring, int size) throws VirtqueueException {
        used = left.unsignedShort(OLD_USED_IDX);
        wrap = left.unsignedByte(OLD_USED_WRAP_COUNTER);
        freeHead = left.unsignedShort(OLD_FREE_HEAD);
        check(used, wrap, size);
        int newUsed = left.unsignedShort(USED_IDX);
        int newWrap = left.unsignedByte(USED_WRAP_COUNTER);
        check(newUsed, newWrap, size);
        if (newUsed != used || newWrap != wrap) {
            long rest = ForeignMemory.getLong(PackedRing.rest(ring, used));
            if ((rest & PackedRing.AVAILABILITY) != PackedRing.available(wrap)) {
                used = newUsed;
                wrap = newWrap;
                freeHead = left.unsignedShort(FREE_HEAD);
            }
        }
    }

    private static void check(int used, int wrap, int size) throws VirtqueueException {
        if (used >= size || wrap > 1) {
            throw new VirtqueueException(
                    "in-flight region's used index "
                            + used
                            + " with wrap counter "
                            + wrap
                            + ", the queue has "
                            + size
                            + " entries");
        }
    }

    /** The entries of each chain in flight, in the order in which they were fetched. */
    private List<int[]> chains(Snapshot left, boolean[] inflight, int size)
            throws VirtqueueException {
        List<Integer> marked = new ArrayList<>();
        for (int i = 0; i < entries(); i++) {
            if (inflight[i]) {
                marked.add(i);
            }
        }
        if (marked.isEmpty()) {
            // The free list may be half written.
            return List.of();
        }
        boolean[] seen = new boolean[entries()];
        markFree(left, seen);
        marked.removeIf(head -> seen[head]);
        marked.sort(
                Comparator.comparing(
                        head -> left.number(field(head, COUNTER), Long.BYTES),
                        Long::compareUnsigned));
        List<int[]> chains = new ArrayList<>();
        int total = 0;
        for (int head : marked) {
            int[] chain = chain(left, head, seen);
            total += chain.length;
            if (total > size) {
                throw new VirtqueueException(
                        "in-flight region has more descriptors than the queue, " + size);
            }
            chains.add(chain);
        }
        return chains;
    }

    private void markFree(Snapshot left, boolean[] seen) throws VirtqueueException {
        int free = freeHead;
        while (free < entries()) {
            if (seen[free]) {
                throw new VirtqueueException("in-flight region's free list loops");
            }
            seen[free] = true;
            free = left.unsignedShort(field(free, NEXT));
        }
    }

    private int[] chain(Snapshot left, int head, boolean[] seen) throws VirtqueueException {
        int count = left.unsignedShort(field(head, NUM));
        if (count < 1 || count > entries()) {
            throw new VirtqueueException("in-flight chain of " + count + " descriptors");
        }
        int[] chain = new int[count];
        int at = head;
        for (int i = 0; i < count; i++) {
            if (at >= entries() || seen[at]) {
                throw new VirtqueueException("in-flight chain with descriptor " + at);
            }
            seen[at] = true;
            chain[i] = at;
            at = left.unsignedShort(field(at, NEXT));
        }
        return chain;
    }

    /** Writes the chains into the ring, each available. */
    private void restore(Snapshot left, List<int[]> chains, long ring, int size) {
        int position = used;
        int lap = wrap;
        for (int[] chain : chains) {
            for (int i = 0; i < chain.length; i++) {
                int entry = chain[i];
                long flags = left.number(field(entry, FLAGS), Short.BYTES) << PackedRing.FLAGS;
                flags &= PackedRing.F_WRITE | PackedRing.F_INDIRECT;
                flags |= PackedRing.available(lap) | (i < chain.length - 1 ? PackedRing.F_NEXT : 0);
                long id = left.number(field(entry, ID), Short.BYTES) << PackedRing.ID;
                long descriptor = PackedRing.descriptor(ring, position);
                ForeignMemory.putLong(descriptor, left.number(field(entry, ADDRESS), Long.BYTES));
                ForeignMemory.putLong(
                        descriptor + PackedRing.REST,
                        left.number(field(entry, LENGTH), Integer.BYTES) | id | flags);
                observe();
                if (++position == size) {
                    position = 0;
                    lap ^= 1;
                }
            }
        }
    }

    private static int field(int entry, int offset) {
        return HEADER_SIZE + entry * ENTRY_SIZE + offset;
    }

    private void initialize() {
        ForeignMemory.fill(address, bytes(entries()), (byte) 0);
        putUsed(used, used, wrap, wrap);
        link();
        putShort(DESC_NUM, entries());
        putShort(VERSION, CURRENT_VERSION);
    }

    /** Puts every entry into the free list. */
    private void link() {
        for (int i = 0; i < entries(); i++) {
            next[i] = (char) (i + 1);
            putLong(entry(i), nextOnly(i));
        }
        freeHead = 0;
        putFree(0, 0);
    }

    // --- While the queue runs ---

    /**
     * The device is about to see a chain.
     *
     * @param position of its first descriptor in the ring
     * @param size entries of the ring
     * @param count its descriptors
     */
    void popped(int id, long ring, int position, int size, int count) {
        int head = freeHead;
        int entry = head;
        int last = head;
        int from = position;
        for (int i = 0; i < count; i++) {
            long descriptor = PackedRing.descriptor(ring, from);
            long rest = ForeignMemory.getLong(descriptor + PackedRing.REST);
            putLong(entry(entry) + ADDRESS, ForeignMemory.getLong(descriptor));
            putLong(
                    entry(entry) + ID,
                    id
                            | (rest >>> PackedRing.FLAGS) << 8 * (FLAGS - ID)
                            | rest << 8 * (LENGTH - ID));
            last = entry;
            entry = next[entry];
            from = from + 1 == size ? 0 : from + 1;
        }
        heads[id] = (char) head;
        lasts[id] = (char) last;
        counts[id] = (char) count;
        putLong(entry(head) + COUNTER, counter);
        putLong(entry(head), marked(id));
        putFree(entry, entry);
        freeHead = entry;
        counter++;
    }

    /** A chain goes back to the ring: the one that was popped last. */
    void rewound(int id) {
        finish();
        int head = heads[id];
        int last = lasts[id];
        counts[id] = 0;
        putLong(entry(head), nextOnly(head));
        next[last] = (char) freeHead;
        putLong(entry(last), nextOnly(last));
        putFree(head, head);
        freeHead = head;
    }

    /** Whether a chain with this buffer id is recorded: in flight, or pushed and not published. */
    boolean knows(int id) {
        finish();
        return counts[id] != 0;
    }

    /** A chain joins the batch that is published next. */
    void pushed(int id) {
        batch[batched++] = (char) id;
    }

    /**
     * The batch is about to be published.
     *
     * @param position where the used descriptor after it will go
     * @param lap the wrap counter there
     */
    void committing(int position, int lap) {
        int free = freeHead;
        for (int i = 0; i < batched; i++) {
            int id = batch[i];
            int last = lasts[id];
            next[last] = (char) free;
            putLong(entry(last), last == heads[id] ? marked(id) : nextOnly(last));
            free = heads[id];
        }
        putFree(free, freeHead);
        putUsed(position, used, lap, wrap);
        committedFreeHead = free;
        committedUsed = position;
        committedWrap = lap;
        committing = batched;
    }

    /** The batch is published. */
    void published() {
        observe();
        finish();
    }

    /** Ends what {@link #committing} began; a memory fault may have come in between. */
    private void finish() {
        if (committing == 0) {
            return;
        }
        for (int i = 0; i < committing; i++) {
            int head = heads[batch[i]];
            putLong(entry(head), nextOnly(head));
            counts[batch[i]] = 0;
        }
        putFree(committedFreeHead, committedFreeHead);
        putUsed(committedUsed, committedUsed, committedWrap, committedWrap);
        freeHead = committedFreeHead;
        used = committedUsed;
        wrap = committedWrap;
        System.arraycopy(batch, committing, batch, 0, batched - committing);
        batched -= committing;
        committing = 0;
    }

    private static long entry(int index) {
        return HEADER_SIZE + (long) index * ENTRY_SIZE;
    }

    /** Start of the entry of a chain's head. */
    private long marked(int id) {
        return 1
                | (long) next[heads[id]] << 8 * NEXT
                | (long) lasts[id] << 8 * LAST
                | (long) counts[id] << 8 * NUM;
    }

    /** Start of an entry that is no head in flight. */
    private long nextOnly(int index) {
        return (long) next[index] << 8 * NEXT;
    }

    private void putFree(int head, int old) {
        putLong(
                VERSION,
                CURRENT_VERSION
                        | (long) entries() << 8 * (DESC_NUM - VERSION)
                        | (long) head << 8 * (FREE_HEAD - VERSION)
                        | (long) old << 8 * (OLD_FREE_HEAD - VERSION));
    }

    private void putUsed(int position, int old, int lap, int oldLap) {
        putLong(
                USED_IDX,
                position
                        | (long) old << 8 * (OLD_USED_IDX - USED_IDX)
                        | (long) lap << 8 * (USED_WRAP_COUNTER - USED_IDX)
                        | (long) oldLap << 8 * (OLD_USED_WRAP_COUNTER - USED_IDX));
    }
}
