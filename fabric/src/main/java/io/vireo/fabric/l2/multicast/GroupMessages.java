package io.vireo.fabric.l2.multicast;

import io.vireo.fabric.l2.packet.SecretHash;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Reads messages of IGMP (RFC 1112, 2236, 3376) and MLD (RFC 2710, 3810). Everything in them may be
 * a lie: a message is checked whole before anything of it is told.
 */
public final class GroupMessages {
    /**
     * What is told of a message. Of a group both the MAC address that it maps to, and a number that
     * stands for it; of a source a number that stands for it.
     */
    public interface Listener {
        /**
         * The sender wants a group.
         *
         * @param source that it wants it from; {@link GroupTable#ANY}: all, or more than is known
         */
        void joins(long mac, long group, long source);

        /**
         * The sender wants a group no more.
         *
         * @param source from which alone it does not; {@link GroupTable#ANY}: from none
         */
        void leaves(long mac, long group, long source);

        /** The sender says of so many groups more than are looked at what it wants. */
        void passesOver(int records);

        /**
         * The sender asks who wants what.
         *
         * @param elected whether it takes part in the election of queriers, as one without address
         *     does not
         * @param high of its address, the first 64 bits; of IPv4 0
         * @param low the last 64 bits
         */
        void asks(boolean elected, long high, long low);

        /**
         * The sender asks who still wants a group, and does not know yet.
         *
         * @param source that it asks about; {@link GroupTable#ANY}: all
         * @param seconds after which nobody will have answered
         */
        void asksFor(long mac, long group, long source, int seconds);
    }

    /** What a message is. */
    public enum Kind {
        /** Something else that these protocols may carry. */
        OTHER,
        /** From a station: it goes to multicast routers. */
        REPORT,
        /** From a multicast router: it goes to all. */
        QUERY,
        /** Broken. */
        INVALID
    }

    private static final VarHandle SHORT =
            MethodHandles.byteArrayViewVarHandle(short[].class, ByteOrder.BIG_ENDIAN);
    private static final VarHandle INT =
            MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.BIG_ENDIAN);

    private static final int IGMP_QUERY = 0x11;
    private static final int IGMP_V1_REPORT = 0x12;
    private static final int IGMP_V2_REPORT = 0x16;
    private static final int IGMP_V2_LEAVE = 0x17;
    private static final int IGMP_V3_REPORT = 0x22;
    private static final int IGMP_LENGTH = 8;
    private static final int IGMP_V3_QUERY = 12;
    private static final int V4 = 4;

    private static final int MLD_QUERY = 130;
    private static final int MLD_V1_REPORT = 131;
    private static final int MLD_V1_DONE = 132;
    private static final int MLD_V2_REPORT = 143;
    private static final int MLD_LENGTH = 24;
    private static final int MLD_ADDRESS = 8;
    private static final int MLD_V2_QUERY = 28;
    private static final int V6 = 16;
    private static final int ICMPV6 = 58;

    /**
     * Records of a report that are looked at: as many as a frame of 1500 bytes has room for. A
     * frame of the largest MTU has 1149, and the switch would do nothing else meanwhile.
     */
    static final int RECORDS_MAX = 183;

    /**
     * Sources of a message that are told apart: as many of IPv4 as a frame of 1500 bytes has room
     * for.
     */
    static final int SOURCES_MAX = 366;

    private static final int RECORDS = 8;
    private static final int RECORD_ADDRESS = 4;

    // RFC 3376, 4.2.12, and RFC 3810, 5.2.12.
    private static final int IS_INCLUDE = 1;
    private static final int IS_EXCLUDE = 2;
    private static final int TO_INCLUDE = 3;
    private static final int TO_EXCLUDE = 4;
    private static final int ALLOW = 5;
    private static final int BLOCK = 6;

    /**
     * Of queries of IGMPv3 and MLDv2, Suppress Router-Side Processing: who listens is to lower no
     * timers, since the querier has heard already that somebody wants the group (RFC 3376, 4.1.5;
     * RFC 3810, 5.1.7).
     */
    private static final int SUPPRESS = 8;

    private static final int TENTHS = 10;
    private static final int MILLIS = 1000;

    private final Listener listener;

    /** Of the message that is being read, how many more sources are told apart. */
    private int sourcesLeft;

    public GroupMessages(Listener listener) {
        this.listener = listener;
    }

    /** The MAC address of an IPv4 group, its first octet lowest (RFC 1112, 6.4). */
    public static long mac4(int group) {
        long low = Integer.toUnsignedLong(Integer.reverseBytes(group & 0x7F_FFFF));
        return 0x5E_0001L | low << 16;
    }

    /** The MAC address of an IPv6 group by its last 32 bits, first octet lowest (RFC 2464, 7). */
    public static long mac6(int last) {
        return 0x3333L | Integer.toUnsignedLong(Integer.reverseBytes(last)) << 16;
    }

    /**
     * Reads a message of IGMP.
     *
     * @param source IPv4 address of the sender
     * @param summed whether it has its checksum
     */
    public Kind igmp(byte[] bytes, int from, int end, int source, boolean summed) {
        if (end - from < IGMP_LENGTH || (summed && sum(bytes, from, end, 0) != 0xFFFF)) {
            return Kind.INVALID;
        }
        int group = u32(bytes, from + V4);
        return switch (u8(bytes, from)) {
            case IGMP_QUERY -> igmpQuery(bytes, from, end, source, group);
            case IGMP_V1_REPORT, IGMP_V2_REPORT -> report4(bytes, from, true);
            case IGMP_V2_LEAVE -> report4(bytes, from, false);
            case IGMP_V3_REPORT -> records(bytes, from, end, V4);
            default -> Kind.OTHER;
        };
    }

    private Kind report4(byte[] bytes, int from, boolean joins) {
        int group = u32(bytes, from + V4);
        return report(isGroup4(group), mac4(group), number(bytes, from + V4, V4), joins);
    }

    private static boolean isGroup4(int group) {
        return group >>> 28 == 0xE;
    }

    private Kind igmpQuery(byte[] bytes, int from, int end, int source, int group) {
        boolean three = end - from >= IGMP_V3_QUERY;
        if (!three && end - from != IGMP_LENGTH) {
            return Kind.INVALID;
        }
        int sources = three ? u16(bytes, from + 10) : 0;
        if (three && end - from < IGMP_V3_QUERY + sources * V4) {
            return Kind.INVALID;
        }
        if (group != 0 && !isGroup4(group)) {
            return Kind.INVALID;
        }
        listener.asks(source != 0, 0, Integer.toUnsignedLong(source));
        int code = u8(bytes, from + 1);
        boolean suppress = three && (u8(bytes, from + IGMP_LENGTH) & SUPPRESS) != 0;
        if (group != 0 && !suppress) {
            // A floating point number from 128 on (RFC 3376, 4.1.1).
            int tenths = code < 128 || !three ? code : (code & 0xF | 0x10) << (code >> 4 & 7) + 3;
            asksFor(bytes, from + V4, V4, from + IGMP_V3_QUERY, sources, patience(tenths, TENTHS));
        }
        return Kind.QUERY;
    }

    /** Tells of a question about the group at an offset, or about so many sources of it. */
    private void asksFor(byte[] bytes, int at, int width, int first, int sources, int seconds) {
        long mac = width == V4 ? mac4(u32(bytes, at)) : mac6(u32(bytes, at + V6 - V4));
        long group = number(bytes, at, width);
        if (sources == 0) {
            listener.asksFor(mac, group, GroupTable.ANY, seconds);
        }
        // What is beyond keeps its time: it is asked about again, or ages.
        int looked = Math.min(sources, SOURCES_MAX);
        for (int i = 0; i < looked; i++) {
            listener.asksFor(mac, group, number(bytes, first + i * width, width), seconds);
        }
    }

    /** Twice what an answer may take, since one may be lost, and a second. */
    private static int patience(int response, int unit) {
        return 2 * ((response + unit - 1) / unit) + 1;
    }

    private Kind report(boolean valid, long mac, long group, boolean joins) {
        if (!valid) {
            return Kind.INVALID;
        }
        if (joins) {
            listener.joins(mac, group, GroupTable.ANY);
        } else {
            listener.leaves(mac, group, GroupTable.ANY);
        }
        return Kind.REPORT;
    }

    /**
     * Reads a message of ICMPv6, which may be one of MLD.
     *
     * @param header where the IPv6 header is
     * @param summed whether it has its checksum
     */
    public Kind icmp6(byte[] bytes, int header, int from, int end, boolean summed) {
        if (end - from < V4) {
            return Kind.OTHER;
        }
        int type = u8(bytes, from);
        boolean mld = (type >= MLD_QUERY && type <= MLD_V1_DONE) || type == MLD_V2_REPORT;
        if (!mld) {
            return Kind.OTHER;
        }
        boolean two = type == MLD_V2_REPORT;
        int pseudo = end - from + ICMPV6;
        if (end - from < (two ? RECORDS : MLD_LENGTH)
                || u8(bytes, header + 7) != 1
                || !isFromTheLink(bytes, header + 8, type)
                || (summed
                        && sum(bytes, from, end, pseudo + words(bytes, header + 8, header + 40))
                                != 0xFFFF)) {
            return Kind.INVALID;
        }
        if (two) {
            return records(bytes, from, end, V6);
        }
        int last = u32(bytes, from + MLD_ADDRESS + 12);
        boolean group = u8(bytes, from + MLD_ADDRESS) == 0xFF;
        return type == MLD_QUERY
                ? mldQuery(bytes, header, from, end, group)
                : report(
                        group,
                        mac6(last),
                        number(bytes, from + MLD_ADDRESS, V6),
                        type == MLD_V1_REPORT);
    }

    /** From fe80::/10, or for what is no query from nobody (RFC 3590). */
    private static boolean isFromTheLink(byte[] bytes, int source, int type) {
        boolean link = (u16(bytes, source) & 0xFFC0) == 0xFE80;
        return link || (type != MLD_QUERY && isZero(bytes, source));
    }

    private static boolean isZero(byte[] bytes, int at) {
        return (u32(bytes, at) | u32(bytes, at + 4) | u32(bytes, at + 8) | u32(bytes, at + 12))
                == 0;
    }

    private Kind mldQuery(byte[] bytes, int header, int from, int end, boolean group) {
        boolean two = end - from >= MLD_V2_QUERY;
        int sources = two ? u16(bytes, from + 26) : 0;
        if ((!two && end - from != MLD_LENGTH)
                || (two && end - from < MLD_V2_QUERY + sources * V6)
                || (!group && !isZero(bytes, from + MLD_ADDRESS))) {
            return Kind.INVALID;
        }
        int source = header + 8;
        listener.asks(true, u64(bytes, source), u64(bytes, source + Long.BYTES));
        int code = u16(bytes, from + 4);
        boolean suppress = two && (u8(bytes, from + MLD_LENGTH) & SUPPRESS) != 0;
        if (group && !suppress) {
            int millis =
                    code < 32_768 || !two ? code : (code & 0xFFF | 0x1000) << (code >> 12 & 7) + 3;
            int seconds = patience(millis, MILLIS);
            asksFor(bytes, from + MLD_ADDRESS, V6, from + MLD_V2_QUERY, sources, seconds);
        }
        return Kind.QUERY;
    }

    /** The records of a report of IGMPv3 or MLDv2, whose addresses have {@code width} bytes. */
    private Kind records(byte[] bytes, int from, int end, int width) {
        int count = u16(bytes, from + 6);
        int at = from + RECORDS;
        for (int i = 0; i < count; i++) {
            if (end - at < RECORD_ADDRESS + width) {
                return Kind.INVALID;
            }
            int type = u8(bytes, at);
            at += size(bytes, at, width);
            if (at > end || type < IS_INCLUDE || type > BLOCK) {
                return Kind.INVALID;
            }
        }
        int looked = Math.min(count, RECORDS_MAX);
        sourcesLeft = SOURCES_MAX;
        at = from + RECORDS;
        for (int i = 0; i < looked; i++) {
            record(bytes, at, width);
            at += size(bytes, at, width);
        }
        if (looked < count) {
            listener.passesOver(count - looked);
        }
        return Kind.REPORT;
    }

    private static int size(byte[] bytes, int at, int width) {
        return RECORD_ADDRESS + width + u16(bytes, at + 2) * width + u8(bytes, at + 1) * 4;
    }

    private void record(byte[] bytes, int at, int width) {
        int last = u32(bytes, at + width);
        boolean four = width == V4;
        if (!(four ? isGroup4(last) : u8(bytes, at + RECORD_ADDRESS) == 0xFF)) {
            return;
        }
        long mac = four ? mac4(last) : mac6(last);
        long group = number(bytes, at + RECORD_ADDRESS, width);
        boolean sources = u16(bytes, at + 2) > 0;
        // RFC 3376, 6.4; RFC 3810, 7.4.
        switch (u8(bytes, at)) {
            case IS_EXCLUDE, TO_EXCLUDE -> listener.joins(mac, group, GroupTable.ANY);
            case IS_INCLUDE -> {
                if (sources) {
                    wants(bytes, at, width, mac, group);
                } else {
                    listener.leaves(mac, group, GroupTable.ANY);
                }
            }
            case TO_INCLUDE -> {
                listener.leaves(mac, group, GroupTable.ANY);
                wants(bytes, at, width, mac, group);
            }
            case ALLOW -> wants(bytes, at, width, mac, group);
            default -> blocks(bytes, at, width, mac, group);
        }
    }

    /** Tells of the sources of a record, which are wanted. */
    private void wants(byte[] bytes, int at, int width, long mac, long group) {
        int sources = u16(bytes, at + 2);
        int looked = Math.min(sources, sourcesLeft);
        sourcesLeft -= looked;
        for (int i = 0; i < looked; i++) {
            listener.joins(mac, group, source(bytes, at, width, i));
        }
        if (looked < sources) {
            listener.joins(mac, group, GroupTable.ANY);
        }
    }

    /** Tells of the sources of a record, which are wanted no more; those beyond have to age. */
    private void blocks(byte[] bytes, int at, int width, long mac, long group) {
        int looked = Math.min(u16(bytes, at + 2), sourcesLeft);
        sourcesLeft -= looked;
        for (int i = 0; i < looked; i++) {
            listener.leaves(mac, group, source(bytes, at, width, i));
        }
    }

    private static long source(byte[] bytes, int record, int width, int i) {
        return number(bytes, record + RECORD_ADDRESS + width + i * width, width);
    }

    /** A number other than 0 for an address; of IPv6 one that nobody can foresee. */
    private static long number(byte[] bytes, int at, int width) {
        return width == V4
                ? 1L << Integer.SIZE | Integer.toUnsignedLong(u32(bytes, at))
                : 1 | SecretHash.of(u64(bytes, at) ^ SecretHash.of(u64(bytes, at + Long.BYTES)));
    }

    private static int sum(byte[] bytes, int from, int end, int initial) {
        int sum = initial + words(bytes, from, end);
        while (sum >>> 16 != 0) {
            sum = (sum & 0xFFFF) + (sum >>> 16);
        }
        return sum;
    }

    private static int words(byte[] bytes, int from, int end) {
        int sum = 0;
        int at = from;
        for (; at + 1 < end; at += 2) {
            sum += u16(bytes, at);
        }
        return at < end ? sum + (u8(bytes, at) << 8) : sum;
    }

    private static int u8(byte[] bytes, int at) {
        return bytes[at] & 0xFF;
    }

    private static int u16(byte[] bytes, int at) {
        return (short) SHORT.get(bytes, at) & 0xFFFF;
    }

    private static int u32(byte[] bytes, int at) {
        return (int) INT.get(bytes, at);
    }

    private static long u64(byte[] bytes, int at) {
        return (long) u32(bytes, at) << Integer.SIZE
                | Integer.toUnsignedLong(u32(bytes, at + Integer.BYTES));
    }
}
