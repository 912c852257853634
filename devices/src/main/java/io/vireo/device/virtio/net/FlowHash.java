package io.vireo.device.virtio.net;

import io.vireo.memory.NativeMemory;
import io.vireo.net.FrameBatch;
import io.vireo.net.Ipv6Extension;

/**
 * Hashes frames by the types that a driver chose (VIRTIO 1.3, 5.1.6.4.3). Extension headers of IPv6
 * are skipped, as far as a snapshot reaches; fragments have no ports. Reused, by one reactor:
 * {@link #classify} leaves its results in fields.
 */
final class FlowHash {
    // VIRTIO_NET_HASH_TYPE_*, and of each the value for VIRTIO_NET_HASH_REPORT_*
    private static final int IPV4 = 1;
    private static final int TCPV4 = 1 << 1;
    private static final int UDPV4 = 1 << 2;
    private static final int IPV6 = 1 << 3;
    private static final int TCPV6 = 1 << 4;
    private static final int UDPV6 = 1 << 5;

    /** The types that are known: none of those that look into extension headers. */
    static final int SUPPORTED = IPV4 | TCPV4 | UDPV4 | IPV6 | TCPV6 | UDPV6;

    /** VIRTIO_NET_HASH_REPORT_NONE. */
    static final int NONE = 0;

    // Ethernet types as they are read, little-endian
    private static final int ETHERTYPE_IPV4 = 0x0008;
    private static final int ETHERTYPE_IPV6 = 0xDD86;
    private static final int ETHERTYPE_VLAN = 0x0081;
    private static final int FRAGMENT_BITS = 0xFF3F;

    private static final int TYPE_AT = 12;
    private static final int TAG = 4;
    private static final int IPV4_HEADER = 20;
    private static final int IPV6_HEADER = 40;
    private static final int PORTS = 4;
    private static final int TCP = 6;
    private static final int UDP = 17;

    private static final int NO_PORTS = 59;

    private final int types;
    private final Toeplitz toeplitz;

    /** Of the last frame: VIRTIO_NET_HASH_REPORT_*. */
    int report;

    /** Of the last frame; 0 where {@link #report} is {@link #NONE}. */
    int value;

    FlowHash(int types, byte[] key) {
        this.types = types;
        toeplitz = new Toeplitz(key);
    }

    /** Finds out what a frame is, by its snapshot, and its hash. */
    void classify(FrameBatch frames, int i) {
        report = NONE;
        value = 0;
        long header = frames.header(i);
        int at = TYPE_AT;
        int end = frames.headerLength[i];
        if (end < TYPE_AT + TAG + 2) {
            return;
        }
        int type = unsignedShort(header + at);
        if (type == ETHERTYPE_VLAN) {
            at += TAG;
            type = unsignedShort(header + at);
        }
        long ip = header + at + 2;
        int room = end - at - 2;
        if (type == ETHERTYPE_IPV4 && room >= IPV4_HEADER) {
            ipv4(ip, room);
        } else if (type == ETHERTYPE_IPV6 && room >= IPV6_HEADER) {
            ipv6(frames, i, at + 2);
        }
    }

    private void ipv4(long ip, int room) {
        int length = (NativeMemory.getByte(ip) & 0xF) * Integer.BYTES;
        boolean whole = (unsignedShort(ip + 6) & FRAGMENT_BITS) == 0;
        boolean ports = whole && length >= IPV4_HEADER && room >= length + PORTS;
        int protocol = NativeMemory.getByte(ip + 9);
        hash(ip + 12, 8, ip + length, ports ? protocol : NO_PORTS, IPV4);
    }

    private void ipv6(FrameBatch frames, int i, int network) {
        long header = frames.header(i);
        int protocol = NativeMemory.getByte(header + network + 6);
        int at = network + IPV6_HEADER;
        while (Ipv6Extension.is(protocol)) {
            if (protocol == Ipv6Extension.FRAGMENT || !has(frames, i, at + Ipv6Extension.LEAST)) {
                protocol = NO_PORTS;
                break;
            }
            int length = NativeMemory.getByte(header + at + 1) & 0xFF;
            int next = NativeMemory.getByte(header + at);
            at += Ipv6Extension.length(protocol, length);
            protocol = next;
        }
        boolean ports = has(frames, i, at + PORTS);
        hash(header + network + 8, 32, header + at, ports ? protocol : NO_PORTS, IPV6);
    }

    /** Whether the first bytes of a frame can be read, which takes them into the snapshot. */
    private static boolean has(FrameBatch frames, int i, int count) {
        return count <= frames.headerLength[i]
                || (count <= FrameBatch.HEADER_MAX && count <= frames.extendHeader(i));
    }

    /** {@code plain} is the type without ports; those of TCP and UDP follow it. */
    private void hash(long addresses, int length, long ports, int protocol, int plain) {
        int wanted = protocol == TCP ? plain << 1 : protocol == UDP ? plain << 2 : 0;
        boolean withPorts = (types & wanted) != 0;
        int type = withPorts ? wanted : plain;
        if ((types & type) == 0) {
            return;
        }
        report = Integer.numberOfTrailingZeros(type) + 1;
        value = toeplitz.add(0, 0, addresses, length);
        if (withPorts) {
            value = toeplitz.add(value, length, ports, PORTS);
        }
    }

    private static int unsignedShort(long address) {
        return Short.toUnsignedInt(NativeMemory.getShort(address));
    }
}
