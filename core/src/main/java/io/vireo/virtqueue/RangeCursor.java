package io.vireo.virtqueue;

import io.vireo.memory.ScatterGatherList;

/** A position in consecutive ranges of a batch: what {@link Reader} and {@link Writer} share. */
final class RangeCursor {
    private static final long[] NO_ADDRESSES = {};
    private static final int[] NO_LENGTHS = {};

    private long[] addresses = NO_ADDRESSES;
    private int[] lengths = NO_LENGTHS;
    private int following;
    private long address;
    private int inRange;
    private long remaining;

    void reset(ChainBatch batch, int first, int count, long bytes) {
        addresses = batch.rangeAddress;
        lengths = batch.rangeLength;
        following = first;
        inRange = 0;
        remaining = bytes;
        if (count > 0) {
            enter();
        }
    }

    private void enter() {
        address = addresses[following];
        inRange = lengths[following];
        following++;
    }

    long remaining() {
        return remaining;
    }

    void require(long length) {
        if (length < 0 || length > remaining) {
            throw new IndexOutOfBoundsException(length + " bytes of " + remaining);
        }
    }

    /** Address of the next byte, if one remains. */
    long address() {
        return address;
    }

    /**
     * Passes over {@code length} bytes, the length of a number.
     *
     * @return their address, or 0, with nothing passed, if they are not in one range
     */
    long contiguous(int length) {
        require(length);
        return length > inRange ? 0 : advance(length);
    }

    /** How many of {@code length} bytes, which remain, are in this range. */
    int piece(long length) {
        return (int) Math.min(length, inRange);
    }

    /** Passes over {@code length} bytes, which are in this range, and returns their address. */
    long advance(int length) {
        long at = address;
        address += length;
        inRange -= length;
        remaining -= length;
        if (inRange == 0 && remaining > 0) {
            enter();
        }
        return at;
    }

    void skip(long length) {
        require(length);
        long left = length;
        while (left > 0) {
            int piece = piece(left);
            advance(piece);
            left -= piece;
        }
    }

    void takeInto(ScatterGatherList list, long length) {
        require(length);
        long left = length;
        while (left > 0) {
            int piece = piece(left);
            list.add(advance(piece), piece);
            left -= piece;
        }
    }
}
