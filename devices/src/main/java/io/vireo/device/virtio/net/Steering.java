package io.vireo.device.virtio.net;

import io.vireo.net.FrameBatch;

/**
 * Receive-side scaling (VIRTIO 1.3, 5.1.6.5.7): the queue of a frame by its hash.
 *
 * @param hash that is taken; kept apart from the one that is reported, its results are fields
 * @param table pair of queues for each value of the hash's lowest bits; its length is a power of 2
 * @param unclassified pair for frames that have no hash
 */
record Steering(FlowHash hash, char[] table, int unclassified) {
    /** Entries of a table at most. */
    static final int TABLE_MAX = 128;

    /** The pair of queues whose receiveq a frame goes to. */
    int pair(FrameBatch frames, int i) {
        hash.classify(frames, i);
        return hash.report == FlowHash.NONE ? unclassified : table[hash.value & (table.length - 1)];
    }
}
