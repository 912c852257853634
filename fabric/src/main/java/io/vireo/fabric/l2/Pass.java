package io.vireo.fabric.l2;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;
import org.jspecify.annotations.Nullable;

/**
 * The frames of the pass under way and what the bridge knows of them, for those who decide about
 * them. One for each bridge, used again and again; only its reactor touches it.
 */
final class Pass {
    /** Frames of a pass at most: those of several ports. */
    static final int FRAMES = 4 * FrameBatch.CAPACITY;

    /** The frames. */
    final FrameBatch batch = new FrameBatch(FRAMES);

    /** VLAN of each frame, 0 for none; valid for frames that were classified. */
    final int[] vlan = new int[FRAMES];

    /** Whether a frame has an 802.1Q tag; valid for frames that were classified. */
    final boolean[] tagged = new boolean[FRAMES];

    /** Whether a frame is a report of IGMP or MLD; valid where snooping has looked. */
    final boolean[] report = new boolean[FRAMES];

    /** Whether a frame goes to a group, broadcast included. */
    boolean isMulticast(int i) {
        return (NativeMemory.getByte(batch.header(i)) & 1) != 0;
    }

    /** Makes the only frame of the batch one that has room in a snapshot, untagged. */
    void fill(byte[] frame) {
        for (int at = 0; at < frame.length; at++) {
            NativeMemory.putByte(batch.header(0) + at, frame[at]);
        }
        batch.clear();
        batch.count = 1;
        batch.length[0] = frame.length;
        batch.headerLength[0] = frame.length;
        batch.offload[0] = 0;
        batch.checksumOffset[0] = 0;
        batch.firstRange[0] = 0;
        batch.rangeCount[0] = 0;
    }

    /**
     * The port that the frames came in by, where that has quality of service; null where they came
     * from several, which have none.
     */
    @Nullable BridgePort source;

    /** Time of the pass in nanoseconds, of any epoch. */
    long nanos;

    /** The same in seconds. */
    int seconds;
}
