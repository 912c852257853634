package io.vireo.device.virtio.blk;

import io.vireo.block.BlockCompletion;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;

/** One request of the driver while it is in flight; used again and again. */
final class BlkSlot {
    final BlockRequest request;

    /** The chain's name in the queue. */
    int head;

    /** Bytes of the chain's writable part. */
    int writable;

    /** Native address of the status byte. */
    long statusAddress;

    /** What it will be. */
    byte status;

    /** When it was popped, {@link System#nanoTime}. */
    long startedAt;

    /** Whether it has begun and is not completed. */
    boolean underWay;

    /** Whether it was not carried out, and goes back to the driver's ring. */
    boolean givenBack;

    /** Attempts to complete it that were cut off. */
    int attempts;

    /** Segments of DISCARD and WRITE_ZEROES, in bytes, and how many have been submitted. */
    private int segments;

    private int segmentsDone;
    private long[] offsets = {};
    private long[] lengths = {};
    private boolean[] unmaps = {};

    BlkSlot(int tag, BlockCompletion completion) {
        request = new BlockRequest(tag, completion);
    }

    void begin(int newHead, long newWritable) {
        head = newHead;
        // 2^32 at most, which a driver gets as 0: the field of the used ring has 32 bits.
        writable = (int) newWritable;
        attempts = 0;
        givenBack = false;
        segments = 0;
        segmentsDone = 0;
    }

    boolean hasMoreSegments() {
        return segmentsDone < segments;
    }

    void addSegment(long offset, long length, boolean unmap) {
        if (offsets.length == 0) {
            offsets = new long[VirtioBlkDevice.MAX_SEGMENTS];
            lengths = new long[VirtioBlkDevice.MAX_SEGMENTS];
            unmaps = new boolean[VirtioBlkDevice.MAX_SEGMENTS];
        }
        offsets[segments] = offset;
        lengths[segments] = length;
        unmaps[segments] = unmap;
        segments++;
    }

    /** Prepares the request for the next segment. */
    BlockRequest nextSegment(BlockOperation operation, boolean durable) {
        int i = segmentsDone++;
        return request.prepare(operation, offsets[i], lengths[i])
                .unmap(unmaps[i])
                .forceUnitAccess(durable);
    }
}
