package io.vireo.fabric.l2.bond;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;
import io.vireo.resource.spec.UplinkSpec;

/**
 * Numbers the flow of a frame by its header snapshot, which is our own memory. Frames of one flow
 * have one number (IEEE 802.1AX, 6.2.4: a conversation keeps its order). Pure.
 */
final class FlowHash {
    private static final long MIX = 0x9E3779B97F4A7C15L;
    private static final long MAC_MASK = 0xFFFF_FFFF_FFFFL;
    private static final int ETHERTYPE = 12;
    private static final int TAG = 4;

    // Little-endian, as they are read.
    private static final int TAG_TYPE = 0x0081;
    private static final int IPV4 = 0x0008;
    private static final int IPV6 = 0xDD86;
    private static final int MORE_FRAGMENTS_AND_OFFSET = 0xFF3F;

    private static final int PROTOCOL_TCP = 6;
    private static final int PROTOCOL_UDP = 17;
    private static final int IPV4_HEADER = 20;
    private static final int IPV6_HEADER = 40;

    private FlowHash() {}

    /** A number of the flow, well mixed in its upper bits. */
    static int of(FrameBatch batch, int i, UplinkSpec.HashPolicy policy) {
        long header = batch.header(i);
        int length = batch.headerLength[i];
        int type = Short.toUnsignedInt(NativeMemory.getShort(header + ETHERTYPE));
        int network = ETHERTYPE + Short.BYTES;
        if (type == TAG_TYPE && length >= network + TAG) {
            type = Short.toUnsignedInt(NativeMemory.getShort(header + network + Short.BYTES));
            network += TAG;
        }
        long addresses = 0;
        long ports = 0;
        if (policy != UplinkSpec.HashPolicy.LAYER2) {
            if (type == IPV4 && length >= network + IPV4_HEADER) {
                addresses = mix(NativeMemory.getLong(header + network + 12));
                ports = ports4(header + network, length - network);
            } else if (type == IPV6 && length >= network + IPV6_HEADER) {
                addresses = addresses6(header + network);
                ports = ports6(header + network, length - network);
            }
        }
        if (policy == UplinkSpec.HashPolicy.LAYER3_4 && addresses != 0) {
            return (int) (mix(addresses + ports) >>> Integer.SIZE);
        }
        long first = NativeMemory.getLong(header);
        long macs =
                mix(first & MAC_MASK)
                        + (first >>> 48
                                | Integer.toUnsignedLong(NativeMemory.getInt(header + Long.BYTES))
                                        << 16);
        return (int) (mix(mix(macs) + addresses) >>> Integer.SIZE);
    }

    /** One of {@code members} for a number. */
    static int member(int hash, int members) {
        return (int) (Integer.toUnsignedLong(hash) * members >>> Integer.SIZE);
    }

    private static long mix(long value) {
        long product = value * MIX;
        return product ^ product >>> 32;
    }

    private static long addresses6(long ip) {
        long sum = mix(NativeMemory.getLong(ip + 8));
        sum = mix(sum + NativeMemory.getLong(ip + 16));
        sum = mix(sum + NativeMemory.getLong(ip + 24));
        return mix(sum + NativeMemory.getLong(ip + 32));
    }

    /** The ports, 0 if there are none: no fragment has them but the first, so none is asked. */
    private static long ports4(long ip, int length) {
        int header = (NativeMemory.getByte(ip) & 0xF) * Integer.BYTES;
        boolean fragment = (NativeMemory.getShort(ip + 6) & MORE_FRAGMENTS_AND_OFFSET) != 0;
        return !fragment
                        && hasPorts(NativeMemory.getByte(ip + 9))
                        && length >= header + Integer.BYTES
                ? Integer.toUnsignedLong(NativeMemory.getInt(ip + header))
                : 0;
    }

    private static long ports6(long ip, int length) {
        return hasPorts(NativeMemory.getByte(ip + 6)) && length >= IPV6_HEADER + Integer.BYTES
                ? Integer.toUnsignedLong(NativeMemory.getInt(ip + IPV6_HEADER))
                : 0;
    }

    private static boolean hasPorts(byte protocol) {
        return protocol == PROTOCOL_TCP || protocol == PROTOCOL_UDP;
    }
}
