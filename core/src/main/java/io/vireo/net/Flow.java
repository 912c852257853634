package io.vireo.net;

import io.vireo.memory.NativeMemory;

/**
 * Which frames belong together, so that they must stay in order: those of the same addresses and,
 * for TCP and UDP without fragments or options in between, the same ports.
 */
public final class Flow {
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

    private Flow() {}

    /** One of {@code ways}, from 0 on, the same for all frames of a flow in one direction. */
    public static int choose(FrameBatch frames, int i, int ways) {
        return (int) ((hash(frames, i) >>> 32) * ways >>> 32);
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
