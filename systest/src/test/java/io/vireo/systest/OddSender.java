package io.vireo.systest;

import io.vireo.linux.ForeignMemory;
import io.vireo.net.Offload;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.Frames;
import io.vireo.testkit.VhostUserSession;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Sends large packets that a stock kernel does not, by a card of the profile {@code maker}: IPv6
 * extension headers, congestion notification, two tags.
 *
 * @param network that the card is on
 * @param to MAC address of the far end
 */
record OddSender(Bed bed, String network, long to) {
    static final String FILTER = "eth.src == 02:00:00:00:00:0d";
    static final int FRAMES = 4;
    static final int PAYLOAD = 20_000;

    /** Frames that its packets leave as. */
    static final int SEGMENTS = FRAMES * 15;

    private static final long FROM = 0x0200_0000_000DL;
    private static final int RING = 16;
    private static final int HEADER = 12;
    private static final int SEGMENT = 1400;
    private static final int ETHERNET = 14;
    private static final int TAG = 4;
    private static final int ACK_PSH_CWR = 0x98;
    private static final int TCP_CHECKSUM = 16;
    private static final int TCP = 6;

    /** A large packet and where its TCP header is. */
    private record Packet(byte[] frame, int tcp, int gso) {}

    void send() {
        var socket = bed.run().resolve("runtime/maker/" + network + ".sock");
        try (var memory = new DriverMemory(1 << 20);
                var session = VhostUserSession.open(socket, memory)) {
            var ring = session.start(1, RING);
            int ecn = Offload.GSO_ECN;
            send(memory, ring, ipv6(Offload.GSO_TCPV6, 0));
            send(memory, ring, ipv6(Offload.GSO_TCPV6 | ecn, 1));
            send(memory, ring, tagged(ipv4(Offload.GSO_TCPV4 | ecn, 2)));
            send(memory, ring, tagged(ipv6(Offload.GSO_TCPV6, 3)));
        }
    }

    private static void send(DriverMemory memory, VhostUserSession.Ring ring, Packet packet) {
        byte[] frame = packet.frame;
        long at = memory.allocate(HEADER + frame.length, 8);
        var header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
        header.putLong(
                Offload.of(
                        Offload.NEEDS_CHECKSUM, packet.gso, packet.tcp + 20, SEGMENT, packet.tcp));
        header.putShort((short) TCP_CHECKSUM);
        ForeignMemory.copyFromArray(header.array(), 0, memory.host(at), HEADER);
        ForeignMemory.copyFromArray(frame, 0, memory.host(at + HEADER), frame.length);
        ring.queue().add(new long[] {at}, new int[] {HEADER + frame.length}, 1, 1);
        VhostUserSession.publish(ring);
        VhostUserSession.awaitUsed(ring);
    }

    private Packet ipv4(int gso, int number) {
        var frame = Frames.tcp4(to, FROM, ACK_PSH_CWR, PAYLOAD);
        return packet(frame, ETHERNET + 20, Frames.sum(frame, ETHERNET + 12, 8), gso, number);
    }

    /** With destination options of eight bytes, all padding. */
    private Packet ipv6(int gso, int number) {
        var plain = Frames.tcp6(to, FROM, ACK_PSH_CWR, PAYLOAD);
        int options = ETHERNET + 40;
        var frame =
                ByteBuffer.allocate(plain.length + 8)
                        .put(plain, 0, options)
                        .put(new byte[] {TCP, 0, 1, 4, 0, 0, 0, 0})
                        .put(plain, options, plain.length - options)
                        .array();
        frame[ETHERNET + 6] = 60;
        Frames.put(frame, ETHERNET + 4, 8 + 20 + PAYLOAD);
        return packet(frame, options + 8, Frames.sum(frame, ETHERNET + 8, 32), gso, number);
    }

    /** A checksum that is left to others holds the sum of the pseudo-header. */
    private static Packet packet(byte[] frame, int tcp, int addresses, int gso, int number) {
        Frames.put(frame, tcp, 1000 + number);
        int pseudo = addresses + TCP + 20 + PAYLOAD;
        while (pseudo >>> 16 != 0) {
            pseudo = (pseudo & 0xFFFF) + (pseudo >>> 16);
        }
        Frames.put(frame, tcp + TCP_CHECKSUM, pseudo);
        return new Packet(frame, tcp, gso);
    }

    /** The guest's own tag, with which it may send, and one more inside. */
    private static Packet tagged(Packet packet) {
        var frame = Frames.tagged(Frames.tagged(packet.frame, 77), 5);
        return new Packet(frame, packet.tcp + 2 * TAG, packet.gso);
    }
}
