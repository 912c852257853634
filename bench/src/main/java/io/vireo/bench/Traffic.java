package io.vireo.bench;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What a card sends.
 *
 * @param header virtio_net_hdr of every frame, {@link #HEADER} bytes
 * @param frame all of it; addresses are filled in
 * @param inFlight frames that a card keeps on the way
 * @param receiveBuffer bytes of a receive buffer
 * @param features that the card must have
 */
record Traffic(byte[] header, byte[] frame, int inFlight, int receiveBuffer, long features) {
    static final int HEADER = 12;

    private static final long F_CSUM = 1;
    private static final long F_GUEST_CSUM = 1L << 1;
    private static final long F_GUEST_TSO4 = 1L << 7;
    private static final long F_HOST_TSO4 = 1L << 11;
    private static final long F_MRG_RXBUF = 1L << 15;
    private static final long OFFLOADS = F_CSUM | F_GUEST_CSUM | F_GUEST_TSO4 | F_HOST_TSO4;
    private static final int ETHERNET = 14;
    private static final int IPV4 = 20;
    private static final int UDP = 17;
    private static final int DISCARD = 9;
    private static final int ALIGNMENT = 64;

    /** Frames of {@code size} bytes, about which nothing is left to do. */
    static Traffic plain(int size, int inFlight, int receiveBuffer) {
        var frame = new byte[size];
        // An EtherType for local experiments (IEEE 802, 9.2.3).
        frame[12] = (byte) 0x88;
        frame[13] = (byte) 0xb5;
        return new Traffic(new byte[HEADER], frame, inFlight, receiveBuffer, F_MRG_RXBUF);
    }

    /**
     * Frames of {@code size} bytes with a datagram of UDP over IPv4 for the port of discard, about
     * which nothing is left to do.
     */
    static Traffic datagrams(int size, int inFlight, int receiveBuffer) {
        var frame = ByteBuffer.allocate(size);
        var packet = size - ETHERNET;
        frame.putShort(12, (short) 0x0800);
        // Version and header length; total length; time to live and protocol (RFC 791).
        frame.put(ETHERNET, (byte) 0x45).putShort(ETHERNET + 2, (short) packet);
        frame.putShort(ETHERNET + 8, (short) (64 << 8 | UDP));
        // From 192.0.2.1 to 192.0.2.2 (RFC 5737).
        frame.putInt(ETHERNET + 12, 0xC0000201).putInt(ETHERNET + 16, 0xC0000202);
        frame.putShort(ETHERNET + 10, checksum(frame));
        // Ports and length; no checksum (RFC 768).
        var udp = ETHERNET + IPV4;
        frame.putShort(udp, (short) DISCARD).putShort(udp + 2, (short) DISCARD);
        frame.putShort(udp + 4, (short) (packet - IPV4));
        return new Traffic(new byte[HEADER], frame.array(), inFlight, receiveBuffer, F_MRG_RXBUF);
    }

    /** Of the IPv4 header, whose field for it is 0 (RFC 1071). */
    private static short checksum(ByteBuffer frame) {
        var sum = 0;
        for (var at = ETHERNET; at < ETHERNET + IPV4; at += 2) {
            sum += frame.getShort(at) & 0xffff;
        }
        return (short) ~((sum & 0xffff) + (sum >>> 16));
    }

    /** Frames with all that one TCP segment of IPv4 can carry, which nobody has to cut. */
    static Traffic segments(int inFlight, int receiveBuffer) {
        var packet = 65_535;
        var frame = ByteBuffer.allocate(ETHERNET + packet);
        frame.putShort(12, (short) 0x0800);
        // Version and header length; total length; time to live and TCP (RFC 791).
        frame.put(ETHERNET, (byte) 0x45).putShort(ETHERNET + 2, (short) packet);
        frame.putShort(ETHERNET + 8, (short) (64 << 8 | 6));
        // Data offset and ACK (RFC 9293).
        frame.putShort(ETHERNET + IPV4 + 12, (short) (5 << 12 | 0x10));
        // NEEDS_CSUM and TCPV4; header length, segment size, checksum start and offset.
        var header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
        header.put((byte) 1).put((byte) 1).putShort((short) (ETHERNET + IPV4 + 20));
        header.putShort((short) 1460).putShort((short) (ETHERNET + IPV4)).putShort((short) 16);
        return new Traffic(
                header.array(), frame.array(), inFlight, receiveBuffer, F_MRG_RXBUF | OFFLOADS);
    }

    /** Bytes from one frame to the next in the memory of a card. */
    int stride() {
        return (HEADER + frame.length + ALIGNMENT - 1) & -ALIGNMENT;
    }
}
