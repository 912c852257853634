package io.vireo.net;

import io.vireo.linux.ForeignMemory;

/**
 * Cuts a large TCP packet into the segments that its sender left to us (VIRTIO_NET_HDR_GSO_TCPV4
 * and _TCPV6), or a train of UDP datagrams into these (VIRTIO_NET_HDR_GSO_UDP_L4). Works on a whole
 * frame in our own memory. The segments share its payload: each is a header snapshot and one range.
 *
 * <p>Reused: {@link #begin}, then {@link #next} until it returns 0.
 */
final class Segmentation {
    private static final int ETHERTYPE_IPV4 = 0x0800;
    private static final int ETHERTYPE_IPV6 = 0x86DD;
    // IEEE 802.1Q, 9.6
    private static final int ETHERTYPE_CUSTOMER_TAG = 0x8100;
    private static final int ETHERTYPE_SERVICE_TAG = 0x88A8;

    /** A guest's own, and the one that its port gave it. */
    private static final int TAGS_MAX = 2;

    private static final int PROTOCOL_TCP = 6;
    private static final int PROTOCOL_UDP = 17;
    private static final int UDP_HEADER = 8;
    private static final int UDP_LENGTH = 4;
    private static final int UDP_CHECKSUM = 6;
    private static final int IPV6_HEADER = 40;
    private static final int TCP_CHECKSUM = 16;
    private static final int TCP_FLAGS = 13;
    private static final int FLAG_FIN = 1;
    private static final int FLAG_PSH = 8;
    private static final int FLAG_CWR = 0x80;

    private long frame;
    private int l3;
    private int l4;
    private int headerLength;
    private int payload;
    private int segmentSize;
    private boolean ipv4;
    private boolean udp;

    /** Whether the packet has its final destination in a routing header. */
    private boolean routed;

    private int done;

    /**
     * Takes a frame.
     *
     * @return false if it is not what its virtio-net header says, or its headers are longer than a
     *     snapshot: drop it
     */
    boolean begin(long address, int length, long offload) {
        frame = address;
        done = 0;
        routed = false;
        l4 = Offload.checksumStart(offload);
        segmentSize = Offload.gsoSize(offload);
        udp = Offload.gsoType(offload) == Offload.GSO_UDP_L4;
        ipv4 = Offload.gsoType(offload) == Offload.GSO_TCPV4;
        int least = udp ? UDP_HEADER : 20;
        if (l4 + least > length || !parseNetworkHeader(length)) {
            return false;
        }
        int own = udp ? UDP_HEADER : (unsignedByte(l4 + 12) >>> 4) * Integer.BYTES;
        headerLength = l4 + own;
        payload = length - headerLength;
        return Offload.isCutIntoFew(Offload.gsoType(offload), payload, segmentSize)
                && own >= least
                && payload > 0
                && headerLength <= FrameBatch.HEADER_MAX;
    }

    private boolean parseNetworkHeader(int length) {
        l3 = 14;
        int type = networkShort(12);
        for (int tags = 0; tags < TAGS_MAX && isTag(type); tags++) {
            type = networkShort(l3 + 2);
            l3 += 4;
        }
        if (udp) {
            ipv4 = type == ETHERTYPE_IPV4;
        }
        if (ipv4) {
            return type == ETHERTYPE_IPV4
                    && l3 + 20 <= l4
                    && l4 == l3 + (unsignedByte(l3) & 0xF) * Integer.BYTES
                    && unsignedByte(l3 + 9) == protocol();
        }
        return type == ETHERTYPE_IPV6 && l3 + IPV6_HEADER <= l4 && l4 < length && parseExtensions();
    }

    /** RFC 8200, 4.1: those that stand in every packet that is not a fragment. */
    private boolean parseExtensions() {
        int header = unsignedByte(l3 + 6);
        int at = l3 + IPV6_HEADER;
        while (at < l4) {
            switch (header) {
                case Ipv6Extension.HOP_BY_HOP, Ipv6Extension.DESTINATION_OPTIONS -> {}
                case Ipv6Extension.ROUTING -> routed |= unsignedByte(at + 3) > 0;
                default -> {
                    return false;
                }
            }
            int length = Ipv6Extension.length(header, unsignedByte(at + 1));
            header = unsignedByte(at);
            at += length;
        }
        return at == l4 && header == protocol();
    }

    private static boolean isTag(int type) {
        return type == ETHERTYPE_CUSTOMER_TAG || type == ETHERTYPE_SERVICE_TAG;
    }

    /**
     * Fills a batch with the next segments, plain frames; returns their number, 0 after the last
     * one.
     */
    int next(FrameBatch batch) {
        batch.clear();
        while (done < payload && batch.count < FrameBatch.CAPACITY) {
            segment(batch, Math.min(segmentSize, payload - done));
        }
        return batch.count;
    }

    private void segment(FrameBatch batch, int size) {
        int index = batch.count++;
        long header = batch.header(index);
        ForeignMemory.copy(frame, header, headerLength);
        boolean last = done + size == payload;
        writeNetworkHeader(header, headerLength - l4 + size);
        if (udp) {
            writeUdpHeader(header, size);
        } else {
            writeTcpHeader(header, last, size);
        }
        batch.reserveRanges(1);
        batch.rangeAddress[batch.ranges] = frame + headerLength + done;
        batch.rangeLength[batch.ranges] = size;
        batch.firstRange[index] = batch.ranges++;
        batch.rangeCount[index] = 1;
        batch.length[index] = headerLength + size;
        batch.headerLength[index] = headerLength;
        batch.offload[index] = 0;
        batch.checksumOffset[index] = 0;
        batch.vlanAction[index] = FrameBatch.VLAN_KEEP;
        done += size;
    }

    private void writeNetworkHeader(long header, int tcpLength) {
        if (ipv4) {
            int id = networkShort(l3 + 4) + done / segmentSize;
            putNetworkShort(header + l3 + 2, l4 - l3 + tcpLength);
            putNetworkShort(header + l3 + 4, id);
            ForeignMemory.putShort(header + l3 + 10, (short) 0);
            short sum = Checksum.fold(Checksum.add(0, header + l3, l4 - l3));
            ForeignMemory.putShort(header + l3 + 10, sum);
        } else {
            putNetworkShort(header + l3 + 4, l4 - l3 - IPV6_HEADER + tcpLength);
        }
    }

    private void writeTcpHeader(long header, boolean last, int size) {
        long tcp = header + l4;
        int sequence = Integer.reverseBytes(ForeignMemory.getInt(tcp + 4)) + done;
        ForeignMemory.putInt(tcp + 4, Integer.reverseBytes(sequence));
        int flags = Byte.toUnsignedInt(ForeignMemory.getByte(tcp + TCP_FLAGS));
        if (!last) {
            flags &= ~(FLAG_FIN | FLAG_PSH);
        }
        if (done > 0) {
            // Congestion is reported reduced once (RFC 3168, 6.1.2).
            flags &= ~FLAG_CWR;
        }
        ForeignMemory.putByte(tcp + TCP_FLAGS, (byte) flags);
        ForeignMemory.putShort(tcp + TCP_CHECKSUM, (short) 0);
        ForeignMemory.putShort(tcp + TCP_CHECKSUM, checksum(header, size));
    }

    private void writeUdpHeader(long header, int size) {
        long datagram = header + l4;
        putNetworkShort(datagram + UDP_LENGTH, UDP_HEADER + size);
        ForeignMemory.putShort(datagram + UDP_CHECKSUM, (short) 0);
        short sum = checksum(header, size);
        // Zero would mean that there is none (RFC 768).
        ForeignMemory.putShort(datagram + UDP_CHECKSUM, sum == 0 ? (short) 0xFFFF : sum);
    }

    /** Of a segment whose own checksum field is 0. */
    private short checksum(long header, int size) {
        long sum = pseudoHeader(header, headerLength - l4 + size);
        sum = Checksum.add(sum, header + l4, headerLength - l4);
        sum = Checksum.add(sum, frame + headerLength + done, size);
        return Checksum.fold(sum);
    }

    private int protocol() {
        return udp ? PROTOCOL_UDP : PROTOCOL_TCP;
    }

    private long pseudoHeader(long header, int transportLength) {
        if (routed) {
            // Its sender knows the final destination: its sum, with another length.
            int field = l4 + (udp ? UDP_CHECKSUM : TCP_CHECKSUM);
            long all = Checksum.addNetworkShort(0, networkShort(field));
            int whole = headerLength - l4 + payload;
            return Checksum.addNetworkShort(
                    Checksum.addNetworkShort(all, ~whole & 0xFFFF), transportLength);
        }
        long sum =
                ipv4 ? Checksum.add(0, header + l3 + 12, 8) : Checksum.add(0, header + l3 + 8, 32);
        return Checksum.addNetworkShort(Checksum.addNetworkShort(sum, protocol()), transportLength);
    }

    private int unsignedByte(int offset) {
        return Byte.toUnsignedInt(ForeignMemory.getByte(frame + offset));
    }

    private int networkShort(int offset) {
        return Short.toUnsignedInt(Short.reverseBytes(ForeignMemory.getShort(frame + offset)));
    }

    private static void putNetworkShort(long address, int value) {
        ForeignMemory.putShort(address, Short.reverseBytes((short) value));
    }
}
