package io.vireo.fabric.l2.packet;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;
import io.vireo.net.Ipv6Extension;
import io.vireo.net.Offload;

/**
 * Finds the headers of one frame in its snapshot, inside at most one 802.1Q tag: EtherType, IPv4
 * (RFC 791), IPv6 with its extension headers (RFC 8200) and where the header of the upper layer is.
 * Every length in the frame may be a lie; nothing beyond the snapshot is looked at, which is
 * lengthened where that is needed ({@link FrameBatch#extendHeader}).
 *
 * <p>Offsets count from the start of the frame. Numbers come in host byte order. Used again and
 * again; one thread.
 */
public final class Headers {
    /** EtherType of IPv4. */
    public static final int IPV4 = 0x0800;

    /** EtherType of ARP. */
    public static final int ARP = 0x0806;

    /** EtherType of reverse ARP. */
    public static final int RARP = 0x8035;

    /** EtherType of IPv6. */
    public static final int IPV6 = 0x86DD;

    /** Protocol number of TCP. */
    public static final int TCP = 6;

    /** Protocol number of UDP. */
    public static final int UDP = 17;

    /** Protocol number of SCTP. */
    public static final int SCTP = 132;

    /** Protocol number of ICMP. */
    public static final int ICMP = 1;

    /** Protocol number of IGMP. */
    public static final int IGMP = 2;

    /** Protocol number of ICMPv6. */
    public static final int ICMPV6 = 58;

    /** No offset, no protocol. */
    public static final int NONE = -1;

    // EtherTypes of tags (IEEE 802.1Q, 9.6), and what was used for those of services before.
    private static final int C_TAG = 0x8100;
    private static final int S_TAG = 0x88A8;
    private static final int OLD_S_TAG = 0x9100;

    private static final int ETHERNET = 14;
    private static final int TAG = 4;
    private static final int FIRST_TYPE = 0x0600;

    // DSAP and SSAP of SNAP, without the bits that say group and response.
    private static final int SNAP = 0xAAAA;
    private static final int SNAP_MASK = 0xFEFE;
    private static final int SNAP_HEADER = 8;
    private static final int TUNNEL = 0x0000F8;

    // Where checksums are, and how long the headers are that are looked at.
    private static final int TCP_CHECKSUM = 16;
    private static final int UDP_CHECKSUM = 6;
    private static final int UDP_HEADER = 8;
    private static final int SCTP_HEADER = 12;
    private static final int SCTP_CHECKSUM = 8;
    private static final int CONTROL_CHECKSUM = 2;

    private static final int MIN_IPV4 = 20;
    private static final int IPV6_HEADER = 40;
    private static final int WORD = 4;
    private static final int FRAGMENT_OFFSET = 0x1FFF;
    private static final int MORE_FRAGMENTS = 0x2000;

    private final FrameBatch batch;
    private int frame;
    private long base;
    private int have;

    /** Where the packet ends: what stands behind it in its frame is no part of it. */
    private int end;

    private int etherType;
    private int network;
    private int protocol;
    private int transport;
    private boolean fragment;
    private boolean laterFragment;
    private boolean broken;

    /** A reader of frames of one batch. */
    public Headers(FrameBatch batch) {
        this.batch = batch;
    }

    /** Reads the headers of a frame that has an Ethernet header and, if so said, a tag. */
    public void read(int index, boolean tagged) {
        frame = index;
        base = batch.header(index);
        have = batch.headerLength[index];
        end = batch.length[index];
        network = tagged ? ETHERNET + TAG : ETHERNET;
        protocol = NONE;
        transport = NONE;
        fragment = false;
        laterFragment = false;
        broken = false;
        etherType = u16(network - 2);
        if (etherType == IPV4) {
            readIpv4();
        } else if (etherType == IPV6) {
            readIpv6();
        }
    }

    private void readIpv4() {
        if (!has(network, MIN_IPV4)) {
            broken = true;
            return;
        }
        int first = u8(network);
        int length = (first & 0xF) * WORD;
        endAt(network, u16(network + 2));
        if (first >>> 4 != 4 || length < MIN_IPV4 || network + length > end) {
            broken = true;
            return;
        }
        int fragmentation = u16(network + 6);
        laterFragment = (fragmentation & FRAGMENT_OFFSET) != 0;
        fragment = laterFragment || (fragmentation & MORE_FRAGMENTS) != 0;
        protocol = u8(network + 9);
        transport = laterFragment ? NONE : network + length;
    }

    private void readIpv6() {
        if (!has(network, IPV6_HEADER) || u8(network) >>> 4 != 6) {
            broken = true;
            return;
        }
        int next = u8(network + 6);
        int at = network + IPV6_HEADER;
        endAt(at, u16(network + 4));
        while (Ipv6Extension.is(next)) {
            if (!has(at, Ipv6Extension.LEAST)) {
                broken = true;
                return;
            }
            int length = Ipv6Extension.length(next, u8(at + 1));
            if (next == Ipv6Extension.FRAGMENT) {
                fragment = true;
                int offset = u16(at + 2) >>> 3;
                next = u8(at);
                if (offset != 0) {
                    laterFragment = true;
                    protocol = next;
                    return;
                }
            } else {
                next = u8(at);
            }
            at += length;
        }
        protocol = next;
        transport = at;
    }

    /** A packet that is cut later may leave its length to that. */
    private void endAt(int start, int length) {
        boolean open = length == 0 && Offload.gso(batch.offload[frame]) != Offload.GSO_NONE;
        if (!open) {
            end = Math.min(end, start + length);
        }
    }

    /**
     * Whether bytes {@code [offset, offset + count)} of the frame can be read, and belong to its
     * packet where it is IP.
     */
    public boolean has(int offset, int count) {
        if (offset + count > end) {
            return false;
        }
        if (offset + count > have) {
            if (have >= FrameBatch.HEADER_MAX || have >= batch.length[frame]) {
                return false;
            }
            have = batch.extendHeader(frame);
        }
        return offset + count <= have;
    }

    /** Where the frame ends, or the packet in it where it is IP. */
    public int end() {
        return end;
    }

    /** EtherType, or a length below 1536 (IEEE 802.3, 3.2.6). */
    public int etherType() {
        return etherType;
    }

    /** Whether it is IPv4 or IPv6 by its EtherType. */
    public boolean isIp() {
        return etherType == IPV4 || etherType == IPV6;
    }

    /** Whether there may be IP under a further tag (IEEE 802.1Q) or in SNAP (RFC 1042). */
    public boolean isWrapped() {
        return isTag(etherType)
                || (etherType < FIRST_TYPE && has(network, SNAP_HEADER) && hasEtherType());
    }

    /**
     * Whether what follows LLC is SNAP with an EtherType (RFC 1042, IEEE 802.1H): what other
     * organizations have there, such as spanning trees and discovery of Cisco's, is no IP.
     */
    private boolean hasEtherType() {
        int organization = u16(network + 3) << 8 | u8(network + 5);
        return (u16(network) & SNAP_MASK) == SNAP && (organization == 0 || organization == TUNNEL);
    }

    /** Whether an EtherType is that of a tag. */
    public static boolean isTag(int etherType) {
        return etherType == C_TAG || etherType == S_TAG || etherType == OLD_S_TAG;
    }

    /**
     * Whether a checksum that is left to do (VIRTIO 1.3, 5.1.6.2) will be where the packet has it,
     * or behind all headers that are looked at here. The sender says where, and it is written after
     * every check: elsewhere it would change what was checked.
     */
    public boolean isChecksumInPlace() {
        long offload = batch.offload[frame];
        if ((Offload.flags(offload) & Offload.NEEDS_CHECKSUM) == 0) {
            return true;
        }
        int start = Offload.checksumStart(offload);
        int field = start + Short.toUnsignedInt(batch.checksumOffset[frame]);
        if (!isIp()) {
            return start >= network && etherType != ARP && etherType != RARP;
        }
        if (fragment || transport == NONE || start < transport) {
            return false;
        }
        int at = field - transport;
        return switch (protocol) {
            case TCP -> at == TCP_CHECKSUM;
            case UDP -> at == UDP_CHECKSUM || start >= transport + UDP_HEADER;
            case SCTP -> at == SCTP_CHECKSUM || start >= transport + SCTP_HEADER;
            case ICMP, IGMP, ICMPV6 -> at == CONTROL_CHECKSUM;
            default -> true;
        };
    }

    /** Where the payload of the Ethernet frame starts. */
    public int network() {
        return network;
    }

    /**
     * Protocol of the upper layer, of a fragment too; {@link #NONE} if the frame is not IP or is
     * {@link #broken}.
     */
    public int protocol() {
        return protocol;
    }

    /**
     * Where the header of the upper layer starts, if any of it is there; {@link #NONE} if the
     * packet has none, as a later fragment, or is {@link #broken}.
     */
    public int transport() {
        return transport;
    }

    /** Whether it is a part of a packet, the first one included. */
    public boolean isFragment() {
        return fragment;
    }

    /** Whether it is a part of a packet, and not the first. */
    public boolean isLaterFragment() {
        return laterFragment;
    }

    /** Whether IP headers are cut short, contradict themselves, or lie too far from the start. */
    public boolean isBroken() {
        return broken;
    }

    /** IPv4 source address. */
    public int source4() {
        return u32(network + 12);
    }

    /** IPv4 destination address. */
    public int destination4() {
        return u32(network + 16);
    }

    /** A byte; {@link #has} was asked. */
    public int u8(int offset) {
        return NativeMemory.getByte(base + offset) & 0xFF;
    }

    /** 16 bits. */
    public int u16(int offset) {
        return Short.toUnsignedInt(Short.reverseBytes(NativeMemory.getShort(base + offset)));
    }

    /** 32 bits. */
    public int u32(int offset) {
        return Integer.reverseBytes(NativeMemory.getInt(base + offset));
    }

    /** 64 bits. */
    public long u64(int offset) {
        return Long.reverseBytes(NativeMemory.getLong(base + offset));
    }

    /** A MAC address, its first octet highest. */
    public long mac(int offset) {
        return Integer.toUnsignedLong(u32(offset)) << 16 | u16(offset + 4);
    }
}
