package io.vireo.testkit;

import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.net.FrameBatch;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** Ethernet frames for tests, as byte arrays. */
public final class Frames {
    /** Every station. */
    public static final long BROADCAST = 0xFFFF_FFFF_FFFFL;

    /** Local experimental EtherType 1 (IEEE 802): no stack answers it. */
    public static final int EXPERIMENTAL = 0x88B5;

    private static final int HEADER = 14;
    private static final int TAG_TYPE = 0x8100;

    private Frames() {}

    /** A frame of {@code length} bytes with a payload that tells bytes apart. */
    public static byte[] frame(long destination, long source, int length) {
        var frame = ByteBuffer.allocate(length);
        mac(frame, destination);
        mac(frame, source);
        frame.putShort((short) EXPERIMENTAL);
        for (int i = HEADER; i < length; i++) {
            frame.put((byte) (i * 7 + length));
        }
        return frame.array();
    }

    /** The frame with an 802.1Q tag. */
    public static byte[] tagged(byte[] frame, int tci) {
        return ByteBuffer.allocate(frame.length + 4)
                .put(frame, 0, 12)
                .putShort((short) TAG_TYPE)
                .putShort((short) tci)
                .put(frame, 12, frame.length - 12)
                .array();
    }

    /**
     * A TCP segment over IPv4, its checksums right.
     *
     * @param flags of TCP
     */
    public static byte[] tcp4(long destination, long source, int flags, int payload) {
        var frame = ByteBuffer.allocate(HEADER + 40 + payload);
        mac(frame, destination);
        mac(frame, source);
        frame.putShort((short) 0x0800);
        frame.put((byte) 0x45).put((byte) 0).putShort((short) (40 + payload));
        frame.putShort((short) 0x1234).putShort((short) 0x4000).put((byte) 64).put((byte) 6);
        frame.putShort((short) 0).putInt(0x0A000001).putInt(0x0A000002);
        tcp(frame, flags, payload);
        put(frame.array(), 24, checksum(frame.array(), 14, 20, 0));
        int pseudo = 6 + 20 + payload;
        put(
                frame.array(),
                50,
                checksum(frame.array(), 34, 20 + payload, sum(frame.array(), 26, 8) + pseudo));
        return frame.array();
    }

    /** A TCP segment over IPv6, its checksum right. */
    public static byte[] tcp6(long destination, long source, int flags, int payload) {
        var frame = ByteBuffer.allocate(HEADER + 60 + payload);
        mac(frame, destination);
        mac(frame, source);
        frame.putShort((short) 0x86DD);
        frame.putInt(0x60000000).putShort((short) (20 + payload)).put((byte) 6).put((byte) 64);
        frame.putLong(0xFD00_0000_0000_0000L).putLong(1);
        frame.putLong(0xFD00_0000_0000_0000L).putLong(2);
        tcp(frame, flags, payload);
        int pseudo = 6 + 20 + payload;
        put(
                frame.array(),
                70,
                checksum(frame.array(), 54, 20 + payload, sum(frame.array(), 22, 32) + pseudo));
        return frame.array();
    }

    private static void tcp(ByteBuffer frame, int flags, int payload) {
        frame.putShort((short) 1000).putShort((short) 2000).putInt(0xFFFFF000).putInt(77);
        frame.put((byte) 0x50).put((byte) flags).putShort((short) 512).putInt(0);
        for (int i = 0; i < payload; i++) {
            frame.put((byte) (i * 31 + (i >> 8)));
        }
    }

    private static void mac(ByteBuffer frame, long mac) {
        frame.putShort((short) (mac >>> 32)).putInt((int) mac);
    }

    /** The Internet checksum (RFC 1071) of a part of a frame, byte by byte: a second opinion. */
    public static int checksum(byte[] frame, int offset, int length, int initial) {
        int sum = initial + sum(frame, offset, length);
        while (sum >>> 16 != 0) {
            sum = (sum & 0xFFFF) + (sum >>> 16);
        }
        return ~sum & 0xFFFF;
    }

    /** The sum of the 16-bit words of a part of a frame. */
    public static int sum(byte[] frame, int offset, int length) {
        int sum = 0;
        for (int i = 0; i < length; i++) {
            int value = Byte.toUnsignedInt(frame[offset + i]);
            sum += i % 2 == 0 ? value << 8 : value;
        }
        return sum;
    }

    /** Writes a 16-bit number in network byte order. */
    public static void put(byte[] frame, int offset, int value) {
        frame[offset] = (byte) (value >>> 8);
        frame[offset + 1] = (byte) value;
    }

    /** Reads a 16-bit number in network byte order. */
    public static int get(byte[] frame, int offset) {
        return Byte.toUnsignedInt(frame[offset]) << 8 | Byte.toUnsignedInt(frame[offset + 1]);
    }

    /** Frame {@code index} of a batch, its VLAN action done. */
    public static byte[] of(FrameBatch batch, int index) {
        var frame = new byte[batch.length[index] + batch.vlanDelta(index)];
        try (var copy = NativeBuffer.allocate(frame.length, Long.BYTES)) {
            batch.copyOut(index, copy.address());
            ForeignMemory.copyToArray(copy.address(), frame, 0, frame.length);
        }
        return frame;
    }

    /**
     * Appends a frame to a batch as a port does: a snapshot, and the rest at {@code address}, our
     * own memory.
     */
    public static void append(FrameBatch batch, byte[] frame, long address) {
        int i = batch.count++;
        int snapshot = Math.min(FrameBatch.SNAPSHOT, frame.length);
        ForeignMemory.copyFromArray(frame, 0, batch.header(i), snapshot);
        batch.length[i] = frame.length;
        batch.headerLength[i] = snapshot;
        batch.offload[i] = 0;
        batch.checksumOffset[i] = 0;
        batch.firstRange[i] = batch.ranges;
        batch.rangeCount[i] = 0;
        if (frame.length > snapshot) {
            var rest = Arrays.copyOfRange(frame, snapshot, frame.length);
            ForeignMemory.copyFromArray(rest, 0, address, rest.length);
            batch.reserveRanges(1);
            batch.rangeAddress[batch.ranges] = address;
            batch.rangeLength[batch.ranges++] = rest.length;
            batch.rangeCount[i] = 1;
        }
    }
}
