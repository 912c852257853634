package io.vireo.device.virtio.net;

import io.vireo.net.Flow;
import io.vireo.net.FrameBatch;

/** Chooses a receive queue for each frame such that the frames of a {@link Flow} stay in order. */
final class FlowSpreader {
    private final int[] all = new int[FrameBatch.CAPACITY];
    private final int[] queue = new int[FrameBatch.CAPACITY];
    private final int[] selected = new int[FrameBatch.CAPACITY];
    private int count;

    /** Chooses one of {@code queues} for each frame. */
    void spread(FrameBatch frames, int[] index, int frameCount, int queues) {
        count = frameCount;
        for (int k = 0; k < frameCount; k++) {
            all[k] = index[k];
            queue[k] = Flow.choose(frames, index[k], queues);
        }
    }

    /**
     * Chooses a queue for each frame by the rule of the driver.
     *
     * @param position of the queue of each pair
     */
    void steer(FrameBatch frames, int[] index, int frameCount, Steering steering, int[] position) {
        count = frameCount;
        for (int k = 0; k < frameCount; k++) {
            all[k] = index[k];
            queue[k] = position[steering.pair(frames, index[k])];
        }
    }

    /** Selects the frames of a queue into {@link #index}; returns their number. */
    int select(int wanted) {
        int found = 0;
        for (int k = 0; k < count; k++) {
            if (queue[k] == wanted) {
                selected[found++] = all[k];
            }
        }
        return found;
    }

    /** The frames that {@link #select} found. */
    int[] index() {
        return selected;
    }
}
