package io.vireo.bench;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A polling virtio-net driver that always has frames to send, all the same, and counts what it
 * gets, VIRTIO 1.3 section 5.1. One thread.
 */
final class NetCard implements AutoCloseable {
    /** Bytes of each frame, without frame check sequence. */
    static final int FRAME = 1514;

    /** Bytes of each frame on a wire, as rates count them. */
    static final int WIRE = FRAME + 4;

    private static final long F_MAC = 1L << 5;
    private static final long F_MRG_RXBUF = 1L << 15;
    private static final long F_STATUS = 1L << 16;
    private static final int HEADER = 12;
    private static final int RING_SIZE = 256;
    private static final int BUFFER = 2048;
    private static final int ADDRESS = 6;
    private static final int TYPE_AT = 2 * ADDRESS;

    /** IEEE 802, local experimental EtherType 1, as it lies in memory. */
    private static final short EXPERIMENTAL = (short) 0xB588;

    /** More than both rings take up. */
    private static final int RING_BYTES = 32 * 1024;

    private final DriverMemory memory;
    private final VhostUserSession session;
    private final Ring receive;
    private final Ring transmit;
    private final long[] posted = new long[RING_SIZE];
    private final long frame;

    /** Frames that the device has taken. */
    long sent;

    /** Frames that it has delivered. */
    long received;

    /**
     * Connects.
     *
     * @param source address that frames come from, six bytes as they are sent
     * @param destination address that they go to
     */
    NetCard(Path socket, byte[] source, byte[] destination) {
        // Two more buffers, one of them for the frame: whole pages.
        memory = new DriverMemory(RING_BYTES + (RING_SIZE + 2L) * BUFFER);
        session = FrontEnds.open(socket, memory, F_MAC | F_MRG_RXBUF | F_STATUS);
        receive = session.start(0, RING_SIZE);
        transmit = session.start(1, RING_SIZE);
        // We poll.
        receive.queue().disarm();
        transmit.queue().disarm();
        frame = memory.allocate(BUFFER, BUFFER);
        write(source, destination);
    }

    private void write(byte[] source, byte[] destination) {
        var at = memory.host(frame);
        ForeignMemory.fill(at, BUFFER, (byte) 0);
        ForeignMemory.copyFromArray(destination, 0, at + HEADER, ADDRESS);
        ForeignMemory.copyFromArray(source, 0, at + HEADER + ADDRESS, ADDRESS);
        ForeignMemory.putShort(at + HEADER + TYPE_AT, EXPERIMENTAL);
    }

    /** Gives the device all its receive buffers. */
    void post() {
        var buffers = memory.allocate((long) RING_SIZE * BUFFER, BUFFER);
        for (var i = 0; i < RING_SIZE; i++) {
            post(buffers + (long) i * BUFFER);
        }
        VhostUserSession.publish(receive);
    }

    private void post(long buffer) {
        posted[receive.queue().addWritable(buffer, BUFFER)] = buffer;
    }

    /** Sends one frame. */
    void sendOne() {
        transmit.queue().addReadable(frame, HEADER + FRAME);
        VhostUserSession.publish(transmit);
    }

    /** Fills the transmit ring up. */
    void send() {
        var queue = transmit.queue();
        while (queue.poll()) {
            sent++;
        }
        if (queue.free() > 0) {
            while (queue.free() > 0) {
                queue.addReadable(frame, HEADER + FRAME);
            }
            VhostUserSession.publish(transmit);
        }
    }

    /** Takes what was delivered. */
    void receive() {
        var queue = receive.queue();
        var before = received;
        while (queue.poll()) {
            post(posted[queue.usedHead()]);
            received++;
        }
        if (received > before) {
            VhostUserSession.publish(receive);
        }
    }

    /** The address with this last byte; locally administered, so that no card has it. */
    static byte[] address(int last) {
        var address = new byte[ADDRESS];
        Arrays.fill(address, (byte) 0);
        address[0] = 2;
        address[ADDRESS - 1] = (byte) last;
        return address;
    }

    @Override
    public void close() {
        session.close();
        memory.close();
    }
}
