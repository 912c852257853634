package io.vireo.device.virtio.net;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;

/**
 * Chooses a receive queue for each frame such that the frames of a flow stay in order: by its
 * addresses and, for TCP and UDP without fragments or options in between, its ports. Reused.
 */
final class FlowSpreader {
    private static final int IPV4 = 0x0008; // 0x0800, read little-endian
    private static final int IPV6 = 0xDD86;
    private static final int ETHERNET_HEADER = 14;
    private static final int IPV4_WITH_PORTS = ETHERNET_HEADER + 24;
    private static final int IPV6_WITH_PORTS = ETHERNET_HEADER + 44;
    private static final int IPV4_NO_OPTIONS = 0x45;
    private static final int FRAGMENT_BITS = 0xFF3F; // 0x3FFF, read little-endian
    private static final long MIX = 0x9E3779B97F4A7C15L;
    private static final int TCP = 6;
    private static final int UDP = 17;

    private final int[] all = new int[FrameBatch.CAPACITY];
    private final int[] queue = new int[FrameBatch.CAPACITY];
    private final int[] selected = new int[FrameBatch.CAPACITY];
    private int count;

    /** Chooses one of {@code queues} for each frame. */
    void spread(FrameBatch frames, int[] index, int frameCount, int queues) {
        count = frameCount;
        for (int k = 0; k < frameCount; k++) {
            all[k] = index[k];
            queue[k] = (int) ((hash(frames, index[k]) >>> 32) * queues >>> 32);
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

    private static long hash(FrameBatch frames, int i) {
        long header = frames.header(i);
        int length = frames.headerLength[i];
        int type = Short.toUnsignedInt(NativeMemory.getShort(header + 12));
        long ip = header + ETHERNET_HEADER;
        long flow;
        if (type == IPV4 && length >= IPV4_WITH_PORTS) {
            flow = NativeMemory.getLong(ip + 12);
            int protocol = NativeMemory.getByte(ip + 9);
            boolean whole =
                    NativeMemory.getByte(ip) == IPV4_NO_OPTIONS
                            && (NativeMemory.getShort(ip + 6) & FRAGMENT_BITS) == 0;
            if (whole && (protocol == TCP || protocol == UDP)) {
                flow = flow * MIX + NativeMemory.getInt(ip + 20);
            }
        } else if (type == IPV6 && length >= IPV6_WITH_PORTS) {
            flow = NativeMemory.getLong(ip + 8) * MIX + NativeMemory.getLong(ip + 16);
            flow = flow * MIX + NativeMemory.getLong(ip + 24);
            flow = flow * MIX + NativeMemory.getLong(ip + 32);
            int protocol = NativeMemory.getByte(ip + 6);
            if (protocol == TCP || protocol == UDP) {
                flow = flow * MIX + NativeMemory.getInt(ip + 40);
            }
        } else {
            flow = NativeMemory.getLong(header) ^ NativeMemory.getLong(header + 4);
        }
        return (flow ^ flow >>> 32) * MIX;
    }
}
