package io.vireo.bench;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.SplitDriverQueue;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Polling virtio-net drivers of any number of cards (VIRTIO 1.3 section 5.1), all on one thread,
 * which send to each other. Each card keeps some frames on the way: when the device has used one,
 * another is sent, to the next address in turn. Their memory is in huge pages, as testpmd's is.
 */
final class FrameDriver implements AutoCloseable {
    static final int HEADER = 12;

    private static final long F_CSUM = 1;
    private static final long F_GUEST_CSUM = 1L << 1;
    private static final long F_GUEST_TSO4 = 1L << 7;
    private static final long F_HOST_TSO4 = 1L << 11;
    private static final long F_MRG_RXBUF = 1L << 15;
    private static final long OFFLOADS = F_CSUM | F_GUEST_CSUM | F_GUEST_TSO4 | F_HOST_TSO4;

    private static final int RING_SIZE = 256;
    private static final int NUM_BUFFERS = 10;
    private static final int ETHERNET = 14;
    private static final int IPV4 = 20;
    private static final int ALIGNMENT = 64;

    /** More than two rings take up. */
    private static final int RING_BYTES = 32 * 1024;

    private static final int ROUNDS_PER_CLOCK = 16;
    private static final long STALL_NANOS = 20_000_000_000L;

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
        /** Frames of {@code size} bytes, about which nothing is left to do. */
        static Traffic plain(int size, int inFlight, int receiveBuffer) {
            var frame = new byte[size];
            // An EtherType for local experiments (IEEE 802, 9.2.3).
            frame[12] = (byte) 0x88;
            frame[13] = (byte) 0xb5;
            return new Traffic(new byte[HEADER], frame, inFlight, receiveBuffer, F_MRG_RXBUF);
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

        private int stride() {
            return (HEADER + frame.length + ALIGNMENT - 1) & -ALIGNMENT;
        }
    }

    /**
     * The addresses of a card, low byte first on the wire.
     *
     * @param sources used in turn
     * @param destinations used in turn
     */
    record Addresses(long[] sources, long[] destinations) {}

    private final List<Card> cards = new ArrayList<>();

    /** Connects a card to each socket. */
    FrameDriver(List<Path> sockets, List<Addresses> addresses, Traffic traffic) {
        for (var i = 0; i < sockets.size(); i++) {
            cards.add(new Card(sockets.get(i), addresses.get(i), traffic));
        }
    }

    /** Puts the first frames on the way. */
    void start() {
        cards.forEach(Card::start);
    }

    /** Frames that arrived in about {@code seconds}, by the second. */
    double run(double seconds) {
        var start = System.nanoTime();
        var until = start + (long) (seconds * 1e9);
        var received = 0L;
        var now = start;
        while (now < until) {
            for (var i = 0; i < ROUNDS_PER_CLOCK; i++) {
                received += round();
            }
            now = System.nanoTime();
        }
        return received * 1e9 / (now - start);
    }

    private int round() {
        var received = 0;
        for (var i = 0; i < cards.size(); i++) {
            received += cards.get(i).circulate();
        }
        return received;
    }

    /**
     * As {@link #run}, but every card sends all its frames at once and waits for those of all
     * others: so the back end never has fewer frames at hand than that, however slow this driver
     * is.
     */
    double runInBatches(double seconds) {
        var start = System.nanoTime();
        var until = start + (long) (seconds * 1e9);
        var received = 0L;
        while (System.nanoTime() < until) {
            for (var i = 0; i < cards.size(); i++) {
                cards.get(i).start();
            }
            for (var i = 0; i < cards.size(); i++) {
                cards.get(i).awaitAllSent();
            }
            for (var i = 0; i < cards.size(); i++) {
                received += cards.get(i).takeReceived();
            }
        }
        return received * 1e9 / (System.nanoTime() - start);
    }

    /**
     * Sends single frames from the first card to the second, each after the one before has arrived,
     * and writes how long each took, in ns, into {@code nanos}.
     *
     * @param restNanos time between the arrival of a frame and the next
     */
    void sendOneByOne(long[] nanos, long restNanos) {
        var sender = cards.getFirst();
        var receiver = cards.get(1);
        for (var i = 0; i < nanos.length; i++) {
            var start = System.nanoTime();
            sender.sendOne();
            while (receiver.takeReceived() == 0) {
                if (System.nanoTime() - start > STALL_NANOS) {
                    throw new BenchException("A frame did not arrive.");
                }
            }
            nanos[i] = System.nanoTime() - start;
            sender.awaitSent();
            for (var end = System.nanoTime() + restNanos; System.nanoTime() < end; ) {
                Thread.onSpinWait();
            }
        }
    }

    @Override
    public void close() {
        cards.forEach(Card::close);
    }

    /** One card: its memory and rings. */
    private static final class Card implements AutoCloseable {
        private final DriverMemory memory;
        private final VhostUserSession session;
        private final Ring receive;
        private final Ring transmit;
        private final SplitDriverQueue receiveQueue;
        private final SplitDriverQueue transmitQueue;
        private final Addresses addresses;
        private final Traffic traffic;
        private final long framesHost;
        private final long buffersHost;
        private int nextSource;
        private int nextDestination;

        /** Buffers that are still to come of the frame that arrives. */
        private int buffersLeft;

        Card(Path socket, Addresses addresses, Traffic traffic) {
            this.addresses = addresses;
            this.traffic = traffic;
            var room =
                    RING_BYTES
                            + (long) traffic.inFlight() * traffic.stride()
                            + (long) RING_SIZE * traffic.receiveBuffer();
            memory = DriverMemory.ofHugePages(room);
            session = FrontEnds.open(socket, memory, traffic.features());
            if ((session.features() & traffic.features()) != traffic.features()) {
                session.close();
                throw new BenchException(socket + " lacks an offload or mergeable buffers.");
            }
            receive = session.start(0, RING_SIZE);
            transmit = session.start(1, RING_SIZE);
            receiveQueue = (SplitDriverQueue) receive.queue();
            transmitQueue = (SplitDriverQueue) transmit.queue();
            // We poll.
            receiveQueue.disarm();
            transmitQueue.disarm();
            framesHost = frames();
            buffersHost = buffers();
            VhostUserSession.publish(receive);
        }

        private long frames() {
            var stride = traffic.stride();
            var at = memory.allocate((long) traffic.inFlight() * stride, ALIGNMENT);
            var host = memory.host(at);
            var length = HEADER + traffic.frame().length;
            for (var slot = 0; slot < traffic.inFlight(); slot++) {
                var offset = (long) slot * stride;
                transmitQueue.descriptor(slot, at + offset, length, 0, 0);
                ForeignMemory.copyFromArray(traffic.header(), 0, host + offset, HEADER);
                ForeignMemory.copyFromArray(
                        traffic.frame(), 0, host + offset + HEADER, traffic.frame().length);
            }
            return host;
        }

        private long buffers() {
            var size = traffic.receiveBuffer();
            var at = memory.allocate((long) RING_SIZE * size, ALIGNMENT);
            for (var slot = 0; slot < RING_SIZE; slot++) {
                receiveQueue.descriptor(slot, at + (long) slot * size, size, DriverQueue.WRITE, 0);
                receiveQueue.stage(slot);
            }
            return memory.host(at);
        }

        void start() {
            for (var slot = 0; slot < traffic.inFlight(); slot++) {
                send(slot);
            }
            VhostUserSession.publish(transmit);
        }

        private void send(int slot) {
            var sources = addresses.sources();
            var destinations = addresses.destinations();
            var source = sources[nextSource];
            var frame = framesHost + (long) slot * traffic.stride() + HEADER;
            ForeignMemory.putLong(frame, destinations[nextDestination] | source << 48);
            ForeignMemory.putInt(frame + 8, (int) (source >>> 16));
            nextSource = nextSource + 1 == sources.length ? 0 : nextSource + 1;
            nextDestination = nextDestination + 1 == destinations.length ? 0 : nextDestination + 1;
            transmitQueue.stage(slot);
        }

        /** Takes what arrived, and sends again what the device has used. Returns frames. */
        int circulate() {
            var received = takeReceived();
            var sent = false;
            while (transmitQueue.collect()) {
                send(transmitQueue.usedHead());
                sent = true;
            }
            if (sent) {
                VhostUserSession.publish(transmit);
            }
            return received;
        }

        int takeReceived() {
            var frames = 0;
            var taken = false;
            while (receiveQueue.collect()) {
                var slot = receiveQueue.usedHead();
                if (buffersLeft == 0) {
                    var header = buffersHost + (long) slot * traffic.receiveBuffer();
                    buffersLeft = ForeignMemory.getShort(header + NUM_BUFFERS) & 0xffff;
                }
                frames += --buffersLeft == 0 ? 1 : 0;
                receiveQueue.stage(slot);
                taken = true;
            }
            if (taken) {
                VhostUserSession.publish(receive);
            }
            return frames;
        }

        void sendOne() {
            send(0);
            VhostUserSession.publish(transmit);
        }

        void awaitAllSent() {
            for (var left = traffic.inFlight(); left > 0; left--) {
                awaitSent();
            }
        }

        void awaitSent() {
            var deadline = System.nanoTime() + STALL_NANOS;
            while (!transmitQueue.collect()) {
                // Reading an unchanged line over and over would slow down the core that is about to
                // write it.
                Thread.onSpinWait();
                if (System.nanoTime() > deadline) {
                    throw new BenchException("A frame was not taken.");
                }
            }
        }

        @Override
        public void close() {
            session.close();
            memory.close();
        }
    }
}
