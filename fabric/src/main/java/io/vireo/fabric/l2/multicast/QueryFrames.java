package io.vireo.fabric.l2.multicast;

import java.nio.ByteBuffer;

/** General queries as Ethernet frames. */
final class QueryFrames {
    /** fe80::/64. */
    static final long LINK_LOCAL = 0xFE80_0000_0000_0000L;

    private static final int LENGTH_MIN = 60;
    private static final int ETHERNET = 14;
    private static final short IPV4 = 0x0800;
    private static final short IPV6 = (short) 0x86DD;
    private static final long ALL_SYSTEMS_MAC = 0x0100_5E00_0001L;
    private static final long ALL_NODES_MAC = 0x3333_0000_0001L;
    private static final int ALL_SYSTEMS = 0xE000_0001;
    private static final long ALL_NODES_HIGH = 0xFF02L << 48;

    private static final int IPV4_HEADER = 24;
    private static final byte IGMP = 2;
    private static final int ALERT_4 = 0x9404_0000;

    /** Internetwork control, as all of IGMP (RFC 3376, 4). */
    private static final byte PRECEDENCE = (byte) 0xC0;

    private static final int IGMP_V2_LENGTH = 8;
    private static final int IGMP_V3_LENGTH = 12;
    private static final byte IGMP_QUERY = 0x11;
    private static final int TENTHS = 10;

    private static final int IPV6_HEADER = 40;
    private static final int HOP_BY_HOP = 8;
    private static final byte ICMPV6 = 58;
    private static final int MLD_LENGTH = 28;
    private static final byte MLD_QUERY = (byte) 130;
    private static final int MILLIS = 1000;

    private QueryFrames() {}

    /** The modified EUI-64 of a MAC address (RFC 4291, appendix A). */
    static long interfaceId(long mac) {
        long high = mac >>> 24 ^ 0x02_0000;
        return high << 40 | 0xFF_FE00_0000L | mac & 0xFF_FFFF;
    }

    /** To all systems (RFC 3376, 4.1; RFC 2236, 2). */
    static byte[] igmp(Querier.Settings settings) {
        boolean three = settings.version() == 3;
        int length = three ? IGMP_V3_LENGTH : IGMP_V2_LENGTH;
        var frame = ByteBuffer.allocate(LENGTH_MIN);
        ethernet(frame, ALL_SYSTEMS_MAC, settings.mac(), IPV4);
        frame.put((byte) (0x40 | IPV4_HEADER / Integer.BYTES)).put(PRECEDENCE);
        frame.putShort((short) (IPV4_HEADER + length)).putInt(0);
        frame.put((byte) 1).put(IGMP).putShort((short) 0);
        frame.putInt(settings.address()).putInt(ALL_SYSTEMS).putInt(ALERT_4);
        sum(frame, ETHERNET, ETHERNET + IPV4_HEADER, ETHERNET + 10, 0);
        int at = frame.position();
        frame.put(IGMP_QUERY).put((byte) (settings.response() * TENTHS)).putShort((short) 0);
        frame.putInt(0);
        if (three) {
            robustnessAndInterval(frame, settings);
        }
        sum(frame, at, at + length, at + 2, 0);
        return frame.array();
    }

    /** To all nodes (RFC 3810, 5.1). */
    static byte[] mld(Querier.Settings settings) {
        var frame = ByteBuffer.allocate(ETHERNET + IPV6_HEADER + HOP_BY_HOP + MLD_LENGTH);
        ethernet(frame, ALL_NODES_MAC, settings.mac(), IPV6);
        frame.putInt(6 << 28).putShort((short) (HOP_BY_HOP + MLD_LENGTH));
        frame.put((byte) 0).put((byte) 1);
        int addresses = frame.position();
        frame.putLong(LINK_LOCAL).putLong(interfaceId(settings.mac()));
        frame.putLong(ALL_NODES_HIGH).putLong(1);
        // Router alert for MLD (RFC 2711), padded.
        frame.put(ICMPV6).put((byte) 0).putInt(0x0502_0000).putShort((short) 0x0100);
        int at = frame.position();
        frame.put(MLD_QUERY).put((byte) 0).putShort((short) 0);
        frame.putShort((short) (settings.response() * MILLIS)).putShort((short) 0);
        frame.putLong(0).putLong(0);
        robustnessAndInterval(frame, settings);
        int pseudo = words(frame, addresses, addresses + 32) + MLD_LENGTH + ICMPV6;
        sum(frame, at, at + MLD_LENGTH, at + 2, pseudo);
        return frame.array();
    }

    private static void ethernet(ByteBuffer frame, long to, long from, short type) {
        frame.putShort((short) (to >>> 32)).putInt((int) to);
        frame.putShort((short) (from >>> 32)).putInt((int) from);
        frame.putShort(type);
    }

    /** QRV, QQIC and no sources (RFC 3376, 4.1.6 to 4.1.8). */
    private static void robustnessAndInterval(ByteBuffer frame, Querier.Settings settings) {
        frame.put((byte) Querier.ROBUSTNESS).put(code(settings.interval())).putShort((short) 0);
    }

    /** A number of one byte, from 128 on a floating point one, rounded down (RFC 3376, 4.1.7). */
    static byte code(int value) {
        if (value < 128) {
            return (byte) value;
        }
        int exponent = Integer.SIZE - Integer.numberOfLeadingZeros(value) - 5 - 3;
        int mantissa = value >> exponent + 3 & 0xF;
        return (byte) (0x80 | exponent << 4 | mantissa);
    }

    private static void sum(ByteBuffer frame, int from, int to, int field, int initial) {
        int sum = initial + words(frame, from, to);
        while (sum >>> 16 != 0) {
            sum = (sum & 0xFFFF) + (sum >>> 16);
        }
        frame.putShort(field, (short) ~sum);
    }

    private static int words(ByteBuffer frame, int from, int to) {
        int sum = 0;
        for (int at = from; at < to; at += Short.BYTES) {
            sum += Short.toUnsignedInt(frame.getShort(at));
        }
        return sum;
    }
}
