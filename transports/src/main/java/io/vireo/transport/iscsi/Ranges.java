package io.vireo.transport.iscsi;

import io.vireo.memory.ScatterGatherList;

/** A position in a list of ranges, which moves forward: a transfer that goes on from there. */
final class Ranges {
    private ScatterGatherList list = new ScatterGatherList(1);
    private int index;
    private int within;

    /** Moves to a byte of a list. */
    void seek(ScatterGatherList newList, long offset) {
        list = newList;
        index = 0;
        long left = offset;
        while (index < list.count() && left >= list.length(index)) {
            left -= list.length(index);
            index++;
        }
        within = (int) left;
    }

    /** Moves to where another one is. */
    void copy(Ranges other) {
        list = other.list;
        index = other.index;
        within = other.within;
    }

    /** Native address of the next byte. */
    long address() {
        return list.address(index) + within;
    }

    /** Bytes from here that lie together, at most {@code limit}. */
    int contiguous(int limit) {
        return Math.min(limit, list.length(index) - within);
    }

    /** Moves forward, not beyond {@link #contiguous} at a time. */
    void skip(int count) {
        within += count;
        if (within == list.length(index)) {
            index++;
            within = 0;
        }
    }
}
