package io.vireo.virtqueue;

import io.vireo.linux.ForeignMemory;

/**
 * The chains of a split queue that were in flight when the last process died. They are popped
 * first, in the order in which they were fetched then, and keep their places in it: each has the
 * index of one in the available ring, from the used index on.
 *
 * <p>If others that were fetched behind some of them are completed, these places are not where the
 * available ring has them. Then no index says where to go on until those before are completed too:
 * they are owed. Of the others, which are the last ones that were fetched, it does.
 */
final class RecoveredChains {
    private static final int[] NONE = {};

    private final int count;
    private final int end;

    /** How many of the last ones the available ring has in the same places. */
    private final int inPlace;

    private int[] heads;
    private int left;

    /**
     * Those that a record tells of.
     *
     * @param heads in the order in which they were fetched
     * @param first index of the first one
     * @param entries native address of the available ring's entries
     * @param size of the queue
     */
    RecoveredChains(int[] heads, int first, long entries, int size) {
        this.heads = heads;
        count = heads.length;
        left = count;
        end = (first + count) & 0xFFFF;
        int same = 0;
        while (same < count && entry(entries, end - same - 1, size) == heads[count - same - 1]) {
            same++;
        }
        inPlace = same;
    }

    private static int entry(long entries, int index, int size) {
        return ForeignMemory.getShort(entries + ((long) (index & (size - 1)) << 1)) & 0xFFFF;
    }

    /** How many there were. */
    int count() {
        return count;
    }

    /** How many were not popped yet, or given back. */
    int left() {
        return left;
    }

    /** How many are to be popped and completed before an index says where to go on. */
    int owed() {
        return Math.max(0, left - inPlace);
    }

    /** Index of the first chain behind them. */
    int end() {
        return end;
    }

    /** Head of the next one. */
    int head() {
        return heads[heads.length - left];
    }

    /** The next one was popped. */
    void popped() {
        left--;
    }

    /** Whether the chain that was popped at an index is one of them. */
    boolean has(int index) {
        return ((end - index - 1) & 0xFFFF) < heads.length;
    }

    /** Whether the last one that was popped may be given back without being owed. */
    boolean mayGoBack() {
        return left < inPlace;
    }

    /** The last one that was popped was given back. */
    void rewound() {
        left++;
    }

    /**
     * They are known by their place among all, of which there are 2^16. Before others come to it
     * they are forgotten: one that is as many chains behind as there are heads is not given back
     * any more.
     */
    void forget(int next, int size) {
        if (heads.length > 0 && left == 0 && ((next - end) & 0xFFFF) >= size) {
            heads = NONE;
        }
    }
}
