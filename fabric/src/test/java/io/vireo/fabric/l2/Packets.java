package io.vireo.fabric.l2;

import java.nio.ByteBuffer;
import java.util.Arrays;

/** Packets inside Ethernet frames, byte by byte. Checksums are left 0: a switch does not look. */
final class Packets {
    private Packets() {}

    static byte[] ethernet(long to, long from, int type, byte[] payload) {
        return ByteBuffer.allocate(14 + Math.max(46, payload.length))
                .putShort((short) (to >>> 32))
                .putInt((int) to)
                .putShort((short) (from >>> 32))
                .putInt((int) from)
                .putShort((short) type)
                .put(payload)
                .array();
    }

    /** IPv4 with a payload; {@code fragmentation} is flags and offset. */
    static byte[] ipv4(int source, int destination, int protocol, int fragmentation, byte[] data) {
        return ipv4(source, destination, protocol, fragmentation, new byte[0], data);
    }

    static byte[] ipv4(
            int source,
            int destination,
            int protocol,
            int fragmentation,
            byte[] options,
            byte[] data) {
        return ByteBuffer.allocate(20 + options.length + data.length)
                .put((byte) (0x45 + options.length / 4))
                .put((byte) 0)
                .putShort((short) (20 + options.length + data.length))
                .putShort((short) 1)
                .putShort((short) fragmentation)
                .put((byte) 64)
                .put((byte) protocol)
                .putShort((short) 0)
                .putInt(source)
                .putInt(destination)
                .put(options)
                .put(data)
                .array();
    }

    static byte[] ipv6(byte[] source, byte[] destination, int next, byte[] data) {
        return ByteBuffer.allocate(40 + data.length)
                .putInt(6 << 28)
                .putShort((short) data.length)
                .put((byte) next)
                .put((byte) 255)
                .put(source)
                .put(destination)
                .put(data)
                .array();
    }

    static byte[] ports(int source, int destination) {
        return ByteBuffer.allocate(20)
                .putShort((short) source)
                .putShort((short) destination)
                .array();
    }

    static byte[] arp(int operation, long mac, int ip, int target) {
        return ByteBuffer.allocate(28)
                .putShort((short) 1)
                .putShort((short) 0x0800)
                .put((byte) 6)
                .put((byte) 4)
                .putShort((short) operation)
                .putShort((short) (mac >>> 32))
                .putInt((int) mac)
                .putInt(ip)
                .putShort((short) 0)
                .putInt(0)
                .putInt(target)
                .array();
    }

    /** An ICMPv6 message of neighbor discovery: type, four bytes, a target, and options. */
    static byte[] neighbor(int type, byte[] target, byte[]... options) {
        int length = Arrays.stream(options).mapToInt(option -> option.length).sum();
        var message = ByteBuffer.allocate(8 + target.length + length);
        message.put((byte) type).put((byte) 0).putShort((short) 0).putInt(0).put(target);
        for (var option : options) {
            message.put(option);
        }
        return message.array();
    }

    static byte[] linkLayer(int type, long mac) {
        return ByteBuffer.allocate(8)
                .put((byte) type)
                .put((byte) 1)
                .putShort((short) (mac >>> 32))
                .putInt((int) mac)
                .array();
    }

    /** An IPv6 extension header of 8 bytes times {@code units}. */
    static byte[] extension(int next, int units, byte[] after) {
        return ByteBuffer.allocate(8 * units + after.length)
                .put((byte) next)
                .put((byte) (units - 1))
                .position(8 * units)
                .put(after)
                .array();
    }

    static byte[] fragment(int next, int offset, boolean more, byte[] after) {
        return ByteBuffer.allocate(8 + after.length)
                .put((byte) next)
                .put((byte) 0)
                .putShort((short) (offset << 3 | (more ? 1 : 0)))
                .putInt(7)
                .put(after)
                .array();
    }

    static byte[] address6(long high, long low) {
        return ByteBuffer.allocate(16).putLong(high).putLong(low).array();
    }

    static int address4(int a, int b, int c, int d) {
        return a << 24 | b << 16 | c << 8 | d;
    }
}
