package io.vireo.server;

import io.vireo.linux.ForeignMemory;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.Frames;
import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A station of a network that numbers what it sends and writes down the numbers of what it hears.
 * Several peers count together.
 */
final class SequencePeer implements NetPort {
    static final long ADDRESS = 0x0200_0000_00AAL;
    static final int LENGTH = 60;

    /** Where the number of a frame is. */
    static final int SEQUENCE = 14;

    static final int TYPE = 12;
    private static final int RARP = 0x8035;
    private static final int BATCH = 8;

    /** What peers have in common. */
    static final class Counts {
        /** Numbers that were heard, in order. */
        final ConcurrentLinkedQueue<Integer> heard = new ConcurrentLinkedQueue<>();

        /** The next number to send. */
        final AtomicInteger next = new AtomicInteger();

        /** Frames that may be sent. */
        final AtomicInteger allowed = new AtomicInteger();

        /** Addresses that peers send from, one after the other. */
        volatile int flows = 1;

        /** Announcements of stations. */
        final AtomicInteger announced = new AtomicInteger();
    }

    private final String name;
    private final long station;
    private final Counts counts;

    /**
     * A peer of a station.
     *
     * @param station whom it sends to
     */
    SequencePeer(String name, long station, Counts counts) {
        this.name = name;
        this.station = station;
        this.counts = counts;
    }

    /** A frame with a number. */
    static byte[] frame(long destination, long source, int sequence) {
        var frame = Frames.frame(destination, source, LENGTH);
        ByteBuffer.wrap(frame).putInt(SEQUENCE, sequence);
        return frame;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public PortState state() {
        return PortState.UP;
    }

    @Override
    public int mtu() {
        return 1500;
    }

    @Override
    public void attached(Reactor reactor, Runnable ready) {}

    @Override
    public void detached() {}

    @Override
    public int receive(FrameBatch batch) {
        int count = Math.min(BATCH, counts.allowed.get());
        for (int i = 0; i < count; i++) {
            counts.allowed.decrementAndGet();
            int number = counts.next.getAndIncrement();
            // No longer than the snapshot: there is no rest to be put anywhere.
            Frames.append(batch, frame(station, ADDRESS + number % counts.flows, number), 0);
        }
        return Math.max(0, count);
    }

    @Override
    public int transmit(FrameBatch batch, int[] index, int count) {
        for (int k = 0; k < count; k++) {
            long header = batch.header(index[k]);
            int type =
                    Short.toUnsignedInt(Short.reverseBytes(ForeignMemory.getShort(header + TYPE)));
            if (type == RARP) {
                counts.announced.incrementAndGet();
            } else if (type == Frames.EXPERIMENTAL) {
                counts.heard.add(Integer.reverseBytes(ForeignMemory.getInt(header + SEQUENCE)));
            }
            batch.sentBytes += batch.length[index[k]];
        }
        return count;
    }

    @Override
    public void release(FrameBatch batch) {}

    @Override
    public void flush() {}

    /** It is looked at again and again. */
    @Override
    public boolean arm() {
        return false;
    }

    @Override
    public void disarm() {}
}
