package io.vireo.fabric.l2;

import io.vireo.net.FrameBatch;

/**
 * Makes frames of a batch look shorter for a while. What a sender left to do with a frame that is
 * cut is left undone: a part of it has no checksum.
 */
final class Shortener {
    private static final int NO_RANGE = -1;

    private final int[] length = new int[Pass.FRAMES];
    private final int[] headerLength = new int[Pass.FRAMES];
    private final int[] rangeCount = new int[Pass.FRAMES];
    private final long[] offload = new long[Pass.FRAMES];

    /** The range of a frame that was cut, and the bytes that it had. */
    private final int[] range = new int[Pass.FRAMES];

    private final int[] rangeLength = new int[Pass.FRAMES];

    /** Cuts frames such that each has {@code limit} bytes at most after its VLAN action. */
    void shorten(FrameBatch batch, int[] index, int count, int limit) {
        for (int k = 0; k < count; k++) {
            int i = index[k];
            length[i] = batch.length[i];
            int wanted = limit - batch.vlanDelta(i);
            if (wanted < length[i]) {
                // Now: whoever looks farther meanwhile would move what is to be put back.
                batch.extendHeader(i);
                headerLength[i] = batch.headerLength[i];
                rangeCount[i] = batch.rangeCount[i];
                offload[i] = batch.offload[i];
                cut(batch, i, wanted);
            }
        }
    }

    private void cut(FrameBatch batch, int i, int wanted) {
        batch.length[i] = wanted;
        batch.offload[i] = 0;
        range[i] = NO_RANGE;
        int left = wanted - batch.headerLength[i];
        if (left <= 0) {
            batch.headerLength[i] = wanted;
            batch.rangeCount[i] = 0;
            return;
        }
        int last = batch.firstRange[i];
        while (left > batch.rangeLength[last]) {
            left -= batch.rangeLength[last++];
        }
        range[i] = last;
        rangeLength[i] = batch.rangeLength[last];
        batch.rangeLength[last] = left;
        batch.rangeCount[i] = last - batch.firstRange[i] + 1;
    }

    /** Gives the same frames their lengths back. */
    void restore(FrameBatch batch, int[] index, int count) {
        for (int k = 0; k < count; k++) {
            int i = index[k];
            if (batch.length[i] != length[i]) {
                batch.length[i] = length[i];
                batch.headerLength[i] = headerLength[i];
                batch.rangeCount[i] = rangeCount[i];
                batch.offload[i] = offload[i];
                if (range[i] != NO_RANGE) {
                    batch.rangeLength[range[i]] = rangeLength[i];
                }
            }
        }
    }
}
