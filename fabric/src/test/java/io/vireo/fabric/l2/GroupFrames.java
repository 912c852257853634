package io.vireo.fabric.l2;

import static io.vireo.fabric.l2.Packets.address4;
import static io.vireo.fabric.l2.Packets.address6;
import static io.vireo.fabric.l2.Packets.ethernet;

import io.vireo.testkit.Frames;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Frames of IGMP, MLD and multicast groups that stations and a querier send. */
final class GroupFrames {
    static final long C = 0x5254_0000_000CL;
    static final long R = 0x5254_0000_000EL;
    static final int GROUP = address4(239, 1, 2, 3);
    static final byte[] GROUP6 = address6(0xFF15_0000_0000_0000L, 0x1234_5678L);

    private GroupFrames() {}

    static long mac4(int group) {
        return 0x0100_5E00_0000L | group & 0x7F_FFFF;
    }

    static byte[] igmp(long from, int source, int to, byte... message) {
        Frames.put(message, 2, 0);
        Frames.put(message, 2, Frames.checksum(message, 0, message.length, 0));
        // With the router alert option (RFC 2113), as all of them.
        var alert = new byte[] {(byte) 0x94, 4, 0, 0};
        return ethernet(mac4(to), from, 0x0800, Packets.ipv4(source, to, 2, 0, alert, message));
    }

    static byte[] two(int type, int code, int group) {
        return ByteBuffer.allocate(8)
                .put((byte) type)
                .put((byte) code)
                .putShort((short) 0)
                .putInt(group)
                .array();
    }

    static byte[] join(long from, int group) {
        return igmp(from, address4(10, 0, 0, 1), group, two(0x16, 0, group));
    }

    static byte[] leave(long from, int group) {
        return igmp(from, address4(10, 0, 0, 1), address4(224, 0, 0, 2), two(0x17, 0, group));
    }

    static byte[] query(int source, int group) {
        int to = group == 0 ? address4(224, 0, 0, 1) : group;
        return Frames.tagged(igmp(R, source, to, two(0x11, 100, group)), 5);
    }

    /** A report of IGMPv3: type and group of each record, with sources. */
    static byte[] three(long from, int sources, int... records) {
        var message = ByteBuffer.allocate(8 + records.length / 2 * (8 + 4 * sources));
        message.put((byte) 0x22).position(6).putShort((short) (records.length / 2));
        for (int i = 0; i < records.length; i += 2) {
            message.put((byte) records[i]).put((byte) 0).putShort((short) sources);
            message.putInt(records[i + 1]);
            message.position(message.position() + 4 * sources);
        }
        return igmp(from, address4(10, 0, 0, 1), address4(224, 0, 0, 22), message.array());
    }

    /** A report of IGMPv3 with one record of some sources. */
    static byte[] sources(long from, int type, int group, int... sources) {
        var message = ByteBuffer.allocate(16 + 4 * sources.length);
        message.put((byte) 0x22).position(6).putShort((short) 1);
        message.put((byte) type).put((byte) 0).putShort((short) sources.length).putInt(group);
        Arrays.stream(sources).forEach(message::putInt);
        return igmp(from, address4(10, 0, 0, 1), address4(224, 0, 0, 22), message.array());
    }

    /** A query of IGMPv3 about a group and sources of it, answered within 1 s. */
    static byte[] query3(boolean suppress, int group, int... sources) {
        var message = ByteBuffer.allocate(12 + 4 * sources.length);
        message.put((byte) 0x11).put((byte) 10).putShort((short) 0).putInt(group);
        message.put((byte) (suppress ? 0xA : 2)).put((byte) 125).putShort((short) sources.length);
        Arrays.stream(sources).forEach(message::putInt);
        return Frames.tagged(igmp(R, address4(10, 0, 0, 9), group, message.array()), 5);
    }

    static byte[] data(int group) {
        return ethernet(
                mac4(group),
                C,
                0x0800,
                Packets.ipv4(address4(10, 0, 0, 3), group, 17, 0, Packets.ports(1, 2)));
    }

    static byte[] mld(long from, byte[] source, byte[] to, byte... message) {
        Frames.put(message, 2, 0);
        int pseudo = message.length + 58;
        int sum = Frames.sum(source, 0, 16) + Frames.sum(to, 0, 16) + pseudo;
        Frames.put(message, 2, Frames.checksum(message, 0, message.length, sum));
        var hopByHop = Packets.extension(58, 1, message);
        hopByHop[2] = 5;
        hopByHop[3] = 2;
        var packet = Packets.ipv6(source, to, 0, hopByHop);
        packet[7] = 1;
        long mac = 0x3333_0000_0000L | Integer.toUnsignedLong(ByteBuffer.wrap(to).getInt(12));
        return ethernet(mac, from, 0x86DD, packet);
    }

    static byte[] one6(int type, byte[] group) {
        return ByteBuffer.allocate(24).put((byte) type).position(8).put(group).array();
    }

    static byte[] data6() {
        return ethernet(
                0x3333_1234_5678L,
                C,
                0x86DD,
                Packets.ipv6(address6(0xFD00L << 48, 3), GROUP6, 17, Packets.ports(1, 2)));
    }

    static byte[] linkLocal(int last) {
        return address6(0xFE80L << 48, last);
    }

    /** A query of IGMPv3 for the group, with or without Suppress Router-Side Processing. */
    static byte[] suppressing(boolean on) {
        var message = Arrays.copyOf(two(0x11, 100, GROUP), 12);
        message[8] = (byte) (on ? 0xA : 2);
        return Frames.tagged(igmp(R, address4(10, 0, 0, 9), GROUP, message), 5);
    }

    /** The same of MLDv2. */
    static byte[] suppressing6(boolean on) {
        var message = Arrays.copyOf(one6(130, GROUP6), 28);
        Frames.put(message, 4, 10_000);
        message[24] = (byte) (on ? 0xA : 2);
        return Frames.tagged(mld(R, linkLocal(9), GROUP6, message), 5);
    }

    /** Joins of as many groups, for {@link #three}. */
    static int[] records(int count) {
        var records = new int[2 * count];
        for (int i = 0; i < count; i++) {
            records[2 * i] = 4;
            records[2 * i + 1] = GROUP + i;
        }
        return records;
    }
}
