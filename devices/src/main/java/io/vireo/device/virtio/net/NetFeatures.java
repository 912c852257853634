package io.vireo.device.virtio.net;

import io.vireo.net.Offload;

/** Feature bits of network devices (VIRTIO 1.3, 5.1.3), and what follows from a set of them. */
final class NetFeatures {
    static final long CSUM = 1L;
    static final long GUEST_CSUM = 1L << 1;
    static final long CTRL_GUEST_OFFLOADS = 1L << 2;
    static final long MTU = 1L << 3;
    static final long MAC = 1L << 5;
    static final long GUEST_TSO4 = 1L << 7;
    static final long GUEST_TSO6 = 1L << 8;
    static final long GUEST_ECN = 1L << 9;
    static final long HOST_TSO4 = 1L << 11;
    static final long HOST_TSO6 = 1L << 12;
    static final long HOST_ECN = 1L << 13;
    static final long MRG_RXBUF = 1L << 15;
    static final long STATUS = 1L << 16;
    static final long CTRL_VQ = 1L << 17;
    static final long CTRL_RX = 1L << 18;
    static final long CTRL_VLAN = 1L << 19;
    static final long CTRL_RX_EXTRA = 1L << 20;
    static final long GUEST_ANNOUNCE = 1L << 21;
    static final long MQ = 1L << 22;
    static final long CTRL_MAC_ADDR = 1L << 23;
    static final long VERSION_1 = 1L << 32;
    static final long VQ_NOTF_COAL = 1L << 52;
    static final long NOTF_COAL = 1L << 53;
    static final long GUEST_USO4 = 1L << 54;
    static final long GUEST_USO6 = 1L << 55;
    static final long HOST_USO = 1L << 56;
    static final long HASH_REPORT = 1L << 57;
    static final long RSS = 1L << 60;
    static final long SPEED_DUPLEX = 1L << 63;

    private static final long GUEST_OFFLOADS =
            GUEST_TSO4 | GUEST_TSO6 | GUEST_ECN | GUEST_USO4 | GUEST_USO6;
    private static final long HOST_OFFLOADS = HOST_TSO4 | HOST_TSO6 | HOST_ECN | HOST_USO;

    /** What a driver may turn on and off by VIRTIO_NET_CTRL_GUEST_OFFLOADS. */
    static final long SWITCHED = GUEST_CSUM | GUEST_OFFLOADS;

    private static final long BY_CONTROL_QUEUE =
            CTRL_GUEST_OFFLOADS
                    | CTRL_RX
                    | CTRL_VLAN
                    | CTRL_RX_EXTRA
                    | GUEST_ANNOUNCE
                    | CTRL_MAC_ADDR
                    | VQ_NOTF_COAL
                    | NOTF_COAL
                    | RSS;

    /**
     * Not offered to hypervisors: the kernel takes trains of datagrams from TAP and packet sockets
     * since 6.2 only.
     */
    private static final long USO = GUEST_USO4 | GUEST_USO6 | HOST_USO;

    /** What is offered besides where the card has its control queue. */
    static final long CONTROLLED = CTRL_VQ | BY_CONTROL_QUEUE | HASH_REPORT | SPEED_DUPLEX | USO;

    /** What is offered whatever the configuration. */
    static final long OFFERED =
            CSUM
                    | GUEST_CSUM
                    | MTU
                    | MAC
                    | (GUEST_OFFLOADS | HOST_OFFLOADS) & ~USO
                    | MRG_RXBUF
                    | STATUS;

    private static final int HASH_HEADER = 20;
    private static final int HEADER = 12;
    private static final int LEGACY_HEADER = 10;

    private NetFeatures() {}

    /**
     * Bytes of {@code struct virtio_net_hdr}: without num_buffers in the legacy interface, with the
     * hash where it is reported (VIRTIO 1.3, 5.1.6 and 5.1.6.1).
     */
    static int headerSize(long features) {
        if ((features & HASH_REPORT) != 0) {
            return HASH_HEADER;
        }
        return (features & (VERSION_1 | MRG_RXBUF)) != 0 ? HEADER : LEGACY_HEADER;
    }

    /** Without what needs a feature that is not there (VIRTIO 1.3, 5.1.3.1). */
    static long consistent(long features) {
        long kept = features;
        if ((kept & CSUM) == 0) {
            kept &= ~HOST_OFFLOADS;
        }
        if ((kept & GUEST_CSUM) == 0) {
            kept &= ~GUEST_OFFLOADS;
        }
        if ((kept & CTRL_VQ) == 0) {
            kept &= ~BY_CONTROL_QUEUE;
        }
        return kept;
    }

    /** Whether a driver takes a frame with this left to do. */
    static boolean accepts(long features, long offload) {
        long needed = Offload.flags(offload) == 0 ? 0 : GUEST_CSUM;
        int gso = Offload.gso(offload);
        if ((gso & Offload.GSO_ECN) != 0) {
            needed |= GUEST_ECN;
        }
        needed |=
                switch (gso & ~Offload.GSO_ECN) {
                    case Offload.GSO_TCPV4 -> GUEST_TSO4;
                    case Offload.GSO_TCPV6 -> GUEST_TSO6;
                    // The type does not say which version of IP it is.
                    case Offload.GSO_UDP_L4 -> GUEST_USO4 | GUEST_USO6;
                    default -> 0;
                };
        return (features & needed) == needed;
    }

    /**
     * Checks what a driver wrote into a header (VIRTIO 1.3, 5.1.6.2.1).
     *
     * @param header its first eight bytes
     * @param checksumOffset csum_offset, unsigned
     * @param length of the frame
     * @return what is left to do, without what is to be ignored; -1 if the driver broke a rule
     */
    static long check(long features, long header, int checksumOffset, int length) {
        int flags = Offload.flags(header) & Offload.NEEDS_CHECKSUM;
        int start = Offload.checksumStart(header);
        if (flags != 0
                && ((features & CSUM) == 0
                        || start < ETHERNET_HEADER
                        || start + checksumOffset + Short.BYTES > length)) {
            return -1;
        }
        int gso = Offload.gso(header);
        if (gso == Offload.GSO_NONE) {
            return flags == 0 ? 0 : Offload.of(flags, Offload.GSO_NONE, 0, 0, start);
        }
        long needed =
                switch (gso & ~Offload.GSO_ECN) {
                    case Offload.GSO_TCPV4 -> HOST_TSO4;
                    case Offload.GSO_TCPV6 -> HOST_TSO6;
                    case Offload.GSO_UDP_L4 -> HOST_USO;
                    default -> -1;
                };
        if ((gso & Offload.GSO_ECN) != 0) {
            needed |= HOST_ECN;
        }
        int headerLength = Offload.headerLength(header);
        int size = Offload.gsoSize(header);
        int payload = length - start - transportHeader(gso);
        boolean valid =
                flags != 0
                        && (features & needed) == needed
                        && size > 0
                        && headerLength <= length
                        && payload >= 0
                        && Offload.isCutIntoFew(gso & ~Offload.GSO_ECN, payload, size);
        return valid ? Offload.of(flags, gso, headerLength, size, start) : -1;
    }

    private static int transportHeader(int gso) {
        return gso == Offload.GSO_UDP_L4 ? UDP_HEADER : TCP_HEADER;
    }

    /** Bytes of an Ethernet header. */
    static final int ETHERNET_HEADER = 14;

    private static final int TCP_HEADER = 20;
    private static final int UDP_HEADER = 8;
}
