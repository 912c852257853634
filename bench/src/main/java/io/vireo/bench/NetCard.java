package io.vireo.bench;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.SplitDriverQueue;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.nio.file.Path;

/**
 * A polling virtio-net driver (VIRTIO 1.3 section 5.1) that keeps some frames on the way: when the
 * device has used one, another is sent, to the next address in turn. One thread.
 */
final class NetCard implements AutoCloseable {
    private static final int RING_SIZE = 256;
    private static final int NUM_BUFFERS = 10;
    private static final int ALIGNMENT = 64;
    private static final long PAGE = 4096;

    /** More than two rings take up. */
    private static final int RING_BYTES = 32 * 1024;

    private static final long STALL_NANOS = 20_000_000_000L;

    /** What the memory of a card is made of. */
    enum Pages {
        SMALL,

        /** Of which the host has reserved enough. */
        HUGE
    }

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

    private long sent;
    private long received;

    /** Connects and gives the device all its receive buffers; sends nothing yet. */
    NetCard(Path socket, Addresses addresses, Traffic traffic, Pages pages) {
        this.addresses = addresses;
        this.traffic = traffic;
        var room =
                RING_BYTES
                        + (long) traffic.inFlight() * traffic.stride()
                        + (long) RING_SIZE * traffic.receiveBuffer();
        memory =
                switch (pages) {
                    case SMALL -> new DriverMemory((room + PAGE - 1) & -PAGE);
                    case HUGE -> DriverMemory.ofHugePages(room);
                };
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
        var length = Traffic.HEADER + traffic.frame().length;
        for (var slot = 0; slot < traffic.inFlight(); slot++) {
            var offset = (long) slot * stride;
            transmitQueue.descriptor(slot, at + offset, length, 0, 0);
            ForeignMemory.copyFromArray(traffic.header(), 0, host + offset, Traffic.HEADER);
            ForeignMemory.copyFromArray(
                    traffic.frame(), 0, host + offset + Traffic.HEADER, traffic.frame().length);
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

    private int inFlight() {
        return addresses.destinations().length == 0 ? 0 : traffic.inFlight();
    }

    /** Frames that the device has taken. */
    long sent() {
        return sent;
    }

    /** Frames that it has delivered. */
    long received() {
        return received;
    }

    /** Sends as many frames as are to be on the way. */
    void start() {
        for (var slot = 0; slot < inFlight(); slot++) {
            send(slot);
        }
        VhostUserSession.publish(transmit);
    }

    private void send(int slot) {
        var sources = addresses.sources();
        var destinations = addresses.destinations();
        var source = sources[nextSource];
        var frame = framesHost + (long) slot * traffic.stride() + Traffic.HEADER;
        ForeignMemory.putLong(frame, destinations[nextDestination] | source << 48);
        ForeignMemory.putInt(frame + 8, (int) (source >>> 16));
        nextSource = nextSource + 1 == sources.length ? 0 : nextSource + 1;
        nextDestination = nextDestination + 1 == destinations.length ? 0 : nextDestination + 1;
        transmitQueue.stage(slot);
    }

    /** Takes what arrived, and sends again what the device has used. Returns frames. */
    int circulate() {
        var frames = takeReceived();
        var before = sent;
        while (transmitQueue.collect()) {
            send(transmitQueue.usedHead());
            sent++;
        }
        if (sent > before) {
            VhostUserSession.publish(transmit);
        }
        return frames;
    }

    /** Takes what was delivered. Returns frames. */
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
        received += frames;
        return frames;
    }

    /** Sends one frame. */
    void sendOne() {
        send(0);
        VhostUserSession.publish(transmit);
    }

    /** Waits until the device has taken the frames of {@link #start}. */
    void awaitAllSent() {
        for (var left = inFlight(); left > 0; left--) {
            awaitSent();
        }
    }

    /** Waits until it has taken one. */
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
        sent++;
    }

    @Override
    public void close() {
        session.close();
        memory.close();
    }
}
