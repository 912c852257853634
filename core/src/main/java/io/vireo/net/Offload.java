package io.vireo.net;

/**
 * The first eight bytes of {@code struct virtio_net_hdr} as one little-endian number (VIRTIO 1.3,
 * 5.1.6): what is left to do about a frame.
 */
public final class Offload {
    /** VIRTIO_NET_HDR_F_NEEDS_CSUM: the checksum from csum_start on is to be completed. */
    public static final int NEEDS_CHECKSUM = 1;

    /** VIRTIO_NET_HDR_F_DATA_VALID: the checksum was checked. */
    public static final int DATA_VALID = 2;

    /** VIRTIO_NET_HDR_GSO_NONE. */
    public static final int GSO_NONE = 0;

    /** VIRTIO_NET_HDR_GSO_TCPV4. */
    public static final int GSO_TCPV4 = 1;

    /** VIRTIO_NET_HDR_GSO_TCPV6. */
    public static final int GSO_TCPV6 = 4;

    /** VIRTIO_NET_HDR_GSO_UDP_L4: datagrams of one flow, of IPv4 or IPv6. */
    public static final int GSO_UDP_L4 = 5;

    /** VIRTIO_NET_HDR_GSO_ECN: a flag beside the type, some segment has ECN set. */
    public static final int GSO_ECN = 0x80;

    /** The kernel's least; smaller segments are no TCP's. */
    private static final int SEGMENT_MIN = 48;

    /** Datagrams of a train at most, as in the kernel: their size is the sender's choice. */
    private static final int DATAGRAMS_MAX = 128;

    private Offload() {}

    /**
     * Whether segments are of a size that a real sender asks for, and not a way to turn one frame
     * into thousands.
     *
     * @param gsoType a type that is cut
     * @param payload bytes that are cut
     * @param segment payload bytes of a segment
     */
    public static boolean isCutIntoFew(int gsoType, int payload, int segment) {
        return gsoType == GSO_UDP_L4 ? payload <= DATAGRAMS_MAX * segment : segment >= SEGMENT_MIN;
    }

    /** Whether nothing is left to do, whatever the other fields say. */
    public static boolean isPlain(long offload) {
        return (offload & 0xFFFF) == 0;
    }

    /** VIRTIO_NET_HDR_F_ bits. */
    public static int flags(long offload) {
        return (int) offload & 0xFF;
    }

    /** gso_type with its ECN flag. */
    public static int gso(long offload) {
        return (int) (offload >>> 8) & 0xFF;
    }

    /** gso_type without its ECN flag. */
    public static int gsoType(long offload) {
        return gso(offload) & ~GSO_ECN;
    }

    /** hdr_len: bytes of the headers that segments begin with; a hint. */
    public static int headerLength(long offload) {
        return (int) (offload >>> 16) & 0xFFFF;
    }

    /** Payload bytes of a segment. */
    public static int gsoSize(long offload) {
        return (int) (offload >>> 32) & 0xFFFF;
    }

    /** csum_start: offset in the frame, in bytes, from where on it is summed. */
    public static int checksumStart(long offload) {
        return (int) (offload >>> 48) & 0xFFFF;
    }

    /**
     * The same for a frame that {@code delta} bytes were put in before its payload, or taken out if
     * negative.
     */
    public static long shift(long offload, int delta) {
        if (isPlain(offload)) {
            return offload;
        }
        long start = (checksumStart(offload) + delta) & 0xFFFFL;
        long header = headerLength(offload);
        long shifted = header == 0 ? 0 : (header + delta) & 0xFFFFL;
        return offload & 0x0000_FFFF_0000_FFFFL | shifted << 16 | start << 48;
    }

    /** The eight bytes. */
    public static long of(int flags, int gso, int headerLength, int gsoSize, int checksumStart) {
        return flags & 0xFFL
                | (gso & 0xFFL) << 8
                | (headerLength & 0xFFFFL) << 16
                | (gsoSize & 0xFFFFL) << 32
                | (checksumStart & 0xFFFFL) << 48;
    }
}
