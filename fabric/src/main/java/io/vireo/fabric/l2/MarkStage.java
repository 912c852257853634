package io.vireo.fabric.l2;

import io.vireo.memory.NativeMemory;
import io.vireo.net.QosSettings.Marking;

/**
 * Marks the frames that come in by a port, whatever their sender wrote: the priority of those that
 * have a tag (IEEE 802.1Q, 9.6), the code point of IPv4 and IPv6 packets (RFC 2474). What gets its
 * tag later gets the priority with it, see {@link BridgePort#priority}. Bits of congestion (ECN)
 * and of drop eligibility stay.
 */
final class MarkStage implements PortStage {
    private static final int PRIORITY_SHIFT = 13;
    private static final int NOT_PRIORITY = 0x1FFF;

    // In the first two bytes of a packet.
    private static final int NOT_CODE_POINT4 = 0xFF03;
    private static final int NOT_CODE_POINT6 = 0xF03F;

    private static final int IPV4 = 0x0800;
    private static final int IPV6 = 0x86DD;
    private static final int IPV4_HEADER = 20;
    private static final int IPV4_CHECKSUM = 10;
    private static final int IPV6_HEADER = 40;
    private static final int WORD = 0xFFFF;

    private final Marking marking;

    MarkStage(Marking marking) {
        this.marking = marking;
    }

    /** The priority of a marking at its place in a tag; 0 if it has none. */
    static int priority(Marking marking) {
        return marking.pcp().orElse(0) << PRIORITY_SHIFT;
    }

    @Override
    public Place place() {
        return Place.MARK;
    }

    @Override
    public int apply(Pass pass, int[] index, int count) {
        boolean inTags = marking.pcp().isPresent();
        int priority = priority(marking);
        int codePoint = marking.dscp().orElse(-1);
        for (int k = 0; k < count; k++) {
            int i = index[k];
            long header = pass.batch.header(i);
            int network = Classifier.HEADER;
            if (pass.tagged[i]) {
                network = Classifier.TAGGED_HEADER;
                if (inTags) {
                    put(
                            header + Classifier.HEADER,
                            (get(header + Classifier.HEADER) & NOT_PRIORITY) | priority);
                }
            }
            if (codePoint >= 0) {
                mark(header + network, pass.batch.headerLength[i] - network, codePoint);
            }
        }
        return count;
    }

    private static void mark(long packet, int length, int codePoint) {
        int type = get(packet - Short.BYTES);
        int first = get(packet);
        if (type == IPV4 && length >= IPV4_HEADER && first >>> 12 == 4) {
            int marked = (first & NOT_CODE_POINT4) | (codePoint << 2);
            put(packet, marked);
            put(packet + IPV4_CHECKSUM, updated(get(packet + IPV4_CHECKSUM), first, marked));
        } else if (type == IPV6 && length >= IPV6_HEADER && first >>> 12 == 6) {
            put(packet, (first & NOT_CODE_POINT6) | (codePoint << 6));
        }
    }

    /** A checksum after one word of what it sums up has changed (RFC 1624, equation 3). */
    private static int updated(int checksum, int before, int after) {
        int sum = (~checksum & WORD) + (~before & WORD) + after;
        sum = (sum & WORD) + (sum >>> 16);
        return ~((sum & WORD) + (sum >>> 16)) & WORD;
    }

    private static int get(long address) {
        return Short.toUnsignedInt(Short.reverseBytes(NativeMemory.getShort(address)));
    }

    private static void put(long address, int word) {
        NativeMemory.putShort(address, Short.reverseBytes((short) word));
    }
}
