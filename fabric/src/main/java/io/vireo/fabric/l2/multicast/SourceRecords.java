package io.vireo.fabric.l2.multicast;

import java.util.Arrays;

/**
 * What a port wants of the groups that share a MAC address: for each group and source a timer, as
 * in the source records of RFC 3376, 6.2.3, and RFC 3810, 7.2.3. The source {@link GroupTable#ANY}
 * stands for all that are in no other record, as the group timer does there. Times are in seconds.
 */
final class SourceRecords {
    /**
     * Records of a port at most. What would be one more keeps the port in the group for its time,
     * and is not ended before.
     */
    static final int MAX = 32;

    private static final int NOT_FOUND = -1;

    private long[] groups = new long[1];
    private long[] sources = new long[1];
    private int[] until = new int[1];
    private int count;
    private int unrecorded = Integer.MIN_VALUE;

    /** Has a source of a group be wanted until a time, or longer if it is so already. */
    void extend(long group, long source, int time, int now) {
        int at = find(group, source);
        if (at != NOT_FOUND) {
            until[at] = Math.max(until[at], time);
            return;
        }
        at = place(now);
        if (at == NOT_FOUND) {
            unrecorded = Math.max(unrecorded, time);
            return;
        }
        groups[at] = group;
        sources[at] = source;
        until[at] = time;
    }

    private int find(long group, long source) {
        for (int i = 0; i < count; i++) {
            if (groups[i] == group && sources[i] == source) {
                return i;
            }
        }
        return NOT_FOUND;
    }

    /** A place whose record is too old, or a new one. */
    private int place(int now) {
        for (int i = 0; i < count; i++) {
            if (until[i] <= now) {
                return i;
            }
        }
        if (count == MAX) {
            return NOT_FOUND;
        }
        if (count == until.length) {
            groups = Arrays.copyOf(groups, 2 * count);
            sources = Arrays.copyOf(sources, 2 * count);
            until = Arrays.copyOf(until, 2 * count);
        }
        return count++;
    }

    /** Lets nothing of a group be wanted longer than until a time, or one source of it. */
    void shorten(long group, long source, int time) {
        for (int i = 0; i < count; i++) {
            if (isOf(i, group, source)) {
                until[i] = Math.min(until[i], time);
            }
        }
    }

    /** Whether anything of a group is wanted, or one source of it. */
    boolean has(long group, long source, int now) {
        for (int i = 0; i < count; i++) {
            if (isOf(i, group, source) && until[i] > now) {
                return true;
            }
        }
        return false;
    }

    private boolean isOf(int i, long group, long source) {
        return groups[i] == group && (source == GroupTable.ANY || sources[i] == source);
    }

    /** When nothing is wanted any more. */
    int until() {
        int last = unrecorded;
        for (int i = 0; i < count; i++) {
            last = Math.max(last, until[i]);
        }
        return last;
    }
}
