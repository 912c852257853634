package io.vireo.fabric.l2;

import io.vireo.fabric.l2.packet.Headers;
import io.vireo.memory.NativeMemory;

/**
 * Learns which IP addresses stations have from the ARP (RFC 826) and the neighbor discovery (RFC
 * 4861) that ports let through: after every policy, so that nobody is learnt with an address that
 * he may not use. All other frames are told apart by what is in registers already, and by one byte
 * more if they are IPv6.
 *
 * <p>Whoever only asks whether an address is free has it not yet (RFC 5227, 2.1.1; RFC 4862,
 * 5.4.2).
 */
final class NeighborWatch {
    // EtherTypes as they lie in bytes 12 and 13, read little-endian.
    private static final int ARP = 0x0608;
    private static final int IPV6 = 0xDD86;

    private static final int TAG = 4;
    private static final int HEADER = 14;
    private static final int NEXT_HEADER = 20;
    private static final int ICMPV6 = 58;

    private static final int ARP_LENGTH = 28;
    private static final long ARP_TYPES = 0x0001_0800_0604L;
    private static final int ARP_SENDER_MAC = 8;
    private static final int ARP_SENDER_IP = 14;
    private static final int TYPES_SHIFT = 16;

    private static final int ROUTER_SOLICITATION = 133;
    private static final int ROUTER_ADVERTISEMENT = 134;
    private static final int NEIGHBOR_SOLICITATION = 135;
    private static final int NEIGHBOR_ADVERTISEMENT = 136;
    private static final int HOP_LIMIT = 7;
    private static final int HOPS = 255;
    private static final int IPV6_SOURCE = 8;
    private static final int FLAGS = 4;
    private static final int ROUTER_FLAG = 0x80;
    private static final int TARGET = 8;
    private static final int TARGET_HEADER = 24;
    private static final int FIRST_MULTICAST = 0xFF;

    private static final int ETHERNET_SOURCE = 6;
    private static final int LOOPBACK = 127;
    private static final int MULTICAST = 224;

    private final NeighborTable table;
    private final Headers headers;

    NeighborWatch(NeighborTable table, Headers headers) {
        this.table = table;
        this.headers = headers;
    }

    /**
     * Whether a frame may be one to {@link #look} at.
     *
     * @param header where it is
     * @param second bytes 8 to 15 of it
     */
    static boolean isWorthIt(long header, long second, boolean tagged) {
        int type =
                tagged
                        ? Short.toUnsignedInt(NativeMemory.getShort(header + HEADER + 2))
                        : (int) (second >>> 32) & 0xFFFF;
        return type == ARP
                || (type == IPV6
                        && NativeMemory.getByte(header + (tagged ? NEXT_HEADER + TAG : NEXT_HEADER))
                                == ICMPV6);
    }

    /** Looks at frame {@code i}, which came from a station. */
    void look(BridgePort in, int i, boolean tagged, long station) {
        headers.read(i, tagged);
        int port = in.isUplink() ? NeighborTable.ELSEWHERE : in.slot;
        if (headers.etherType() == Headers.ARP) {
            arp(port, station);
        } else if (headers.etherType() == Headers.IPV6
                && !headers.isBroken()
                && !headers.isFragment()
                && headers.protocol() == Headers.ICMPV6
                && headers.has(headers.transport(), FLAGS + 1)
                && headers.u8(headers.network() + HOP_LIMIT) == HOPS) {
            discovery(port, station);
        }
    }

    private void arp(int port, long station) {
        int at = headers.network();
        if (!headers.has(at, ARP_LENGTH)
                || headers.u64(at) >>> TYPES_SHIFT != ARP_TYPES
                || headers.mac(at + ARP_SENDER_MAC) != headers.mac(ETHERNET_SOURCE)) {
            return;
        }
        int sender = headers.u32(at + ARP_SENDER_IP);
        int first = sender >>> 24;
        if (first != 0 && first != LOOPBACK && first < MULTICAST) {
            table.heard(port, station, false, 0, Integer.toUnsignedLong(sender), false);
        }
    }

    private void discovery(int port, long station) {
        int at = headers.transport();
        int source = headers.network() + IPV6_SOURCE;
        switch (headers.u8(at)) {
            case ROUTER_SOLICITATION, NEIGHBOR_SOLICITATION -> {
                boolean router =
                        table.isRouter(
                                station, headers.u64(source), headers.u64(source + Long.BYTES));
                heard(port, station, source, router);
            }
            case ROUTER_ADVERTISEMENT -> heard(port, station, source, true);
            case NEIGHBOR_ADVERTISEMENT -> {
                if (headers.has(at, TARGET_HEADER)) {
                    boolean router = (headers.u8(at + FLAGS) & ROUTER_FLAG) != 0;
                    heard(port, station, at + TARGET, router);
                }
            }
            default -> {}
        }
    }

    /** Notes the address at an offset, unless it is that of nobody, of a loop or of many. */
    private void heard(int port, long station, int offset, boolean router) {
        long high = headers.u64(offset);
        long low = headers.u64(offset + Long.BYTES);
        boolean one = high >>> 56 != FIRST_MULTICAST && (high != 0 || low >>> 1 != 0);
        if (one) {
            table.heard(port, station, true, high, low, router);
        }
    }
}
