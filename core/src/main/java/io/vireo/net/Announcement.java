package io.vireo.net;

import io.vireo.memory.NativeMemory;

/**
 * The frames that tell switches and hosts where a station is reached now. All are complete: nothing
 * is left to segment or to sum.
 *
 * <ul>
 *   <li>a reverse ARP request about itself (RFC 903), which no station answers and which needs no
 *       IP address;
 *   <li>for an IPv4 address an ARP announcement: a request for the address that it has (RFC 826;
 *       RFC 5227, 2.3);
 *   <li>for an IPv6 address an unsolicited neighbor advertisement to all nodes, which overrides
 *       what they know (RFC 4861, 4.4 and 7.2.6).
 * </ul>
 */
public final class Announcement {
    /** Times that a station is announced. */
    public static final int ROUNDS = 3;

    private static final int LENGTH = 60;
    private static final int TAG = 4;
    private static final short VLAN = (short) 0x8100;
    private static final short RARP = (short) 0x8035;
    private static final short ARP_TYPE = 0x0806;
    private static final short IPV6 = (short) 0x86DD;
    private static final short ETHERNET = 1;
    private static final short IPV4 = 0x0800;
    private static final short LENGTHS = 0x0604;
    private static final short REQUEST = 1;
    private static final short REQUEST_REVERSE = 3;
    private static final long BROADCAST = 0xFFFF_FFFF_FFFFL;

    // Ethernet, then RFC 826: sender and target
    private static final int SOURCE = 6;
    private static final int TYPE = 12;
    private static final int ARP = 14;
    private static final int SENDER = 22;
    private static final int SENDER_IP = 28;
    private static final int TARGET = 32;
    private static final int TARGET_IP = 38;

    // IPv6 (RFC 8200, section 3) to all nodes (RFC 4291, 2.7.1) at their group address (RFC 2464,
    // section 7), with the hop limit that shows that no router has passed it on
    private static final long ALL_NODES_MAC = 0x3333_0000_0001L;
    private static final long ALL_NODES_HIGH = 0xFF02_0000_0000_0000L;
    private static final long ALL_NODES_LOW = 1;
    private static final int IP = 14;
    private static final int IP_SOURCE = 22;
    private static final int IP_DESTINATION = 38;
    private static final int VERSION = 0x6000_0000;
    private static final byte ICMPV6 = 58;
    private static final byte HOP_LIMIT = (byte) 255;

    // Neighbor advertisement with a target link-layer address option (RFC 4861, 4.4 and 4.6.1)
    private static final int ICMP = 54;
    private static final int ICMP_LENGTH = 32;
    private static final int ICMP_CHECKSUM = 56;
    private static final int FLAGS = 58;
    private static final int NEIGHBOR_TARGET = 62;
    private static final int OPTION = 78;
    private static final int OPTION_MAC = 80;
    private static final short ADVERTISEMENT = (short) (136 << 8);
    private static final int ROUTER = 1 << 31;
    private static final int OVERRIDE = 1 << 29;
    private static final short TARGET_LINK_LAYER = 0x0201;
    private static final int NEIGHBOR_LENGTH = ICMP + ICMP_LENGTH;

    private Announcement() {}

    /** Adds the reverse ARP request of a station, with its tag, to a batch. */
    public static void add(FrameBatch frames, Station station) {
        int i = frames.count++;
        reverseArp(frames, i, station.address().bits());
        tag(frames, i, station.tag());
    }

    /** Adds the announcement of an address of a station, with its tag, to a batch. */
    public static void add(FrameBatch frames, Station station, StationAddress address) {
        int i = frames.count++;
        address(frames, i, station.address().bits(), address);
        tag(frames, i, station.tag());
    }

    /**
     * Writes the reverse ARP request of a station, without tag, as frame {@code i} of a batch.
     *
     * @param mac its first octet highest
     */
    public static void reverseArp(FrameBatch frames, int i, long mac) {
        long frame = ethernet(frames, i, LENGTH, BROADCAST, mac, RARP);
        request(frame, REQUEST_REVERSE, mac);
        put(frame + TARGET, mac);
    }

    /**
     * Writes the announcement of an address, without tag, as frame {@code i} of a batch.
     *
     * @param mac its first octet highest
     */
    public static void address(FrameBatch frames, int i, long mac, StationAddress address) {
        if (address.v6()) {
            neighbor(frames, i, mac, address.high(), address.low(), address.router());
        } else {
            arp(frames, i, mac, (int) address.low());
        }
    }

    private static void arp(FrameBatch frames, int i, long mac, int address) {
        long frame = ethernet(frames, i, LENGTH, BROADCAST, mac, ARP_TYPE);
        request(frame, REQUEST, mac);
        put(frame + SENDER_IP, address);
        put(frame + TARGET_IP, address);
    }

    private static void request(long frame, short operation, long mac) {
        put(frame + ARP, ETHERNET);
        put(frame + ARP + 2, IPV4);
        put(frame + ARP + 4, LENGTHS);
        put(frame + ARP + 6, operation);
        put(frame + SENDER, mac);
    }

    private static void neighbor(
            FrameBatch frames, int i, long mac, long high, long low, boolean router) {
        long frame = ethernet(frames, i, NEIGHBOR_LENGTH, ALL_NODES_MAC, mac, IPV6);
        put(frame + IP, VERSION);
        put(frame + IP + 4, (short) ICMP_LENGTH);
        NativeMemory.putByte(frame + IP + 6, ICMPV6);
        NativeMemory.putByte(frame + IP + 7, HOP_LIMIT);
        put6(frame + IP_SOURCE, high, low);
        put6(frame + IP_DESTINATION, ALL_NODES_HIGH, ALL_NODES_LOW);
        put(frame + ICMP, ADVERTISEMENT);
        put(frame + FLAGS, router ? ROUTER | OVERRIDE : OVERRIDE);
        put6(frame + NEIGHBOR_TARGET, high, low);
        put(frame + OPTION, TARGET_LINK_LAYER);
        put(frame + OPTION_MAC, mac);
        // The pseudo-header (RFC 8200, 8.1): both addresses, the length, the protocol.
        long sum = Checksum.addNetworkShort(0, ICMP_LENGTH + ICMPV6);
        sum = Checksum.add(sum, frame + IP_SOURCE, ICMP - IP_SOURCE);
        sum = Checksum.add(sum, frame + ICMP, ICMP_LENGTH);
        NativeMemory.putShort(frame + ICMP_CHECKSUM, Checksum.fold(sum));
    }

    /** Writes the Ethernet header of a frame that has nothing else yet; returns where it is. */
    private static long ethernet(
            FrameBatch frames, int i, int length, long to, long from, short type) {
        long frame = frames.header(i);
        for (int at = 0; at < FrameBatch.HEADER_MAX; at += Long.BYTES) {
            NativeMemory.putLong(frame + at, 0);
        }
        put(frame, to);
        put(frame + SOURCE, from);
        put(frame + TYPE, type);
        frames.length[i] = length;
        frames.headerLength[i] = length;
        frames.offload[i] = 0;
        frames.checksumOffset[i] = 0;
        frames.firstRange[i] = 0;
        frames.rangeCount[i] = 0;
        return frame;
    }

    /** Gives frame {@code i}, which has none, a tag; 0: none. */
    private static void tag(FrameBatch frames, int i, int vlan) {
        if (vlan == 0) {
            return;
        }
        long frame = frames.header(i);
        int length = frames.length[i];
        // Backwards: they overlap.
        for (int at = length - 1; at >= TYPE; at--) {
            NativeMemory.putByte(frame + at + TAG, NativeMemory.getByte(frame + at));
        }
        put(frame + TYPE, VLAN);
        put(frame + TYPE + 2, (short) vlan);
        frames.length[i] = length + TAG;
        frames.headerLength[i] = length + TAG;
    }

    private static void put(long at, short value) {
        NativeMemory.putShort(at, Short.reverseBytes(value));
    }

    private static void put(long at, int value) {
        NativeMemory.putInt(at, Integer.reverseBytes(value));
    }

    /** Writes the lower 48 bits, the highest byte first. */
    private static void put(long at, long address) {
        put(at, (int) (address >>> Short.SIZE));
        put(at + Integer.BYTES, (short) address);
    }

    private static void put6(long at, long high, long low) {
        NativeMemory.putLong(at, Long.reverseBytes(high));
        NativeMemory.putLong(at + Long.BYTES, Long.reverseBytes(low));
    }
}
