package io.vireo.fabric.l2;

import io.vireo.fabric.l2.capture.FrameFilter;
import io.vireo.fabric.l2.capture.PcapngWriter;
import io.vireo.fabric.l2.packet.Headers;
import io.vireo.net.CaptureSpec;
import io.vireo.net.CaptureSpec.Direction;
import io.vireo.reactor.ByteRing;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.LiveStream;
import io.vireo.resource.ResourceException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Frames of one port as a pcapng file that is written while they pass. The bridge's reactor copies
 * them into a bounded ring and never waits; whoever writes the file takes them out.
 */
final class Capture implements LiveStream {
    /** Bytes of frames that a reader may be behind. */
    static final int RING = 1 << 21;

    /** Captures of this process at most: each takes memory of the daemon, which has little. */
    static final int MAX = 8;

    private static final AtomicInteger RUNNING = new AtomicInteger();

    private static final int BUFFER = 1 << 16;
    private static final int FRAMES_AT_ONCE = 4096;
    private static final Duration PAUSE = Duration.ofMillis(20);

    /** So often the counters are written, also to find out whether the reader is still there. */
    private static final long STATISTICS_NANOS = TimeUnit.SECONDS.toNanos(5);

    private final String portName;
    private final CaptureSpec spec;
    private final FrameFilter filter;
    private final String description;

    // Guarded by this.
    private Place place;
    private boolean finished;

    /** The port that frames are copied at. Any thread. */
    interface Place {
        String portName();

        /** Begins to copy; ends the tap if the port is gone. */
        void begin(Capture capture, Tap tap);

        /** Copies no more. */
        void end(Tap tap);
    }

    /** Where the reactor leaves frames and counters for the thread that writes. */
    static final class Tap {
        private static final int RECEIVED = 0;
        private static final int ACCEPTED = 1;
        private static final int DROPPED = 2;

        // Opaque: whole values, soon, at the price of a plain store.
        private static final VarHandle COUNTER = MethodHandles.arrayElementVarHandle(long[].class);

        final ByteRing ring = new ByteRing(RING);
        private final long[] counters = new long[3];
        private volatile boolean ended;

        /** Counts frames; the reactor. */
        void count(int received, int accepted, int dropped) {
            add(RECEIVED, received);
            add(ACCEPTED, accepted);
            add(DROPPED, dropped);
        }

        private void add(int counter, int more) {
            COUNTER.setOpaque(counters, counter, counters[counter] + more);
        }

        PcapngWriter.Statistics statistics() {
            return new PcapngWriter.Statistics(read(RECEIVED), read(ACCEPTED), read(DROPPED));
        }

        private long read(int counter) {
            return (long) COUNTER.getOpaque(counters, counter);
        }

        /** No more frames come: the port is gone. */
        void end() {
            ended = true;
        }

        boolean ended() {
            return ended;
        }
    }

    /**
     * @param first where it begins
     * @param description of the port
     * @throws ResourceException if the filter cannot be understood, or {@link #MAX} captures run
     */
    Capture(Place first, CaptureSpec spec, String description) {
        this.place = first;
        this.portName = first.portName();
        this.spec = spec;
        this.description = description;
        if (RUNNING.get() >= MAX) {
            throw new ResourceException(
                    ErrorCode.EXHAUSTED, MAX + " captures run already: end one of them");
        }
        try {
            this.filter = FrameFilter.parse(spec.filter());
        } catch (IllegalArgumentException e) {
            throw new ResourceException(
                    ErrorCode.INVALID, "the filter is not understood: " + e.getMessage(), e);
        }
    }

    @Override
    public void writeTo(OutputStream out) throws IOException, InterruptedException {
        try {
            if (RUNNING.incrementAndGet() > MAX) {
                throw new IOException("too many captures began at once");
            }
            capture(out);
        } finally {
            RUNNING.decrementAndGet();
        }
    }

    private void capture(OutputStream out) throws IOException, InterruptedException {
        var tap = new Tap();
        begin(tap);
        try {
            write(tap, out);
        } finally {
            finish(tap);
        }
    }

    private synchronized void begin(Tap tap) {
        place.begin(this, tap);
    }

    private synchronized void finish(Tap tap) {
        finished = true;
        place.end(tap);
    }

    /** Goes on at another place, if it is not over; at the one so far it was stopped. */
    synchronized void moveTo(Place next, Tap tap) {
        if (!finished) {
            place = next;
            next.begin(this, tap);
        }
    }

    /** The stage that sees what the station gets, or what it sends; the reactor. */
    CaptureStage stage(Tap tap, boolean inbound, Headers headers) {
        return new CaptureStage(
                tap,
                inbound ? PortStage.Place.LAST_LOOK : PortStage.Place.FIRST_LOOK,
                inbound ? PcapngWriter.INBOUND : PcapngWriter.OUTBOUND,
                filter,
                spec.snapLength(),
                headers);
    }

    boolean wants(Direction direction) {
        return spec.direction() == Direction.BOTH || spec.direction() == direction;
    }

    private void write(Tap tap, OutputStream out) throws IOException, InterruptedException {
        var file = new PcapngWriter(new BufferedOutputStream(out, BUFFER));
        file.begin(
                "Vireo",
                new PcapngWriter.Interface(
                        portName, description, spec.snapLength(), spec.filter()));
        file.flush();
        boolean flushed = true;
        long epoch = epochNanos() - System.nanoTime();
        long begin = System.nanoTime();
        long told = begin;
        long left = spec.count();
        while (left > 0) {
            boolean last = tap.ended();
            long taken = drain(tap.ring, file, Math.min(left, FRAMES_AT_ONCE), epoch);
            left -= taken;
            long now = System.nanoTime();
            if (now - told >= STATISTICS_NANOS) {
                told = now;
                file.statistics(begin + epoch, now + epoch, tap.statistics());
                flushed = false;
            }
            if (taken > 0) {
                flushed = false;
            } else {
                if (!flushed) {
                    file.flush();
                    flushed = true;
                }
                if (last) {
                    break;
                }
                Thread.sleep(PAUSE);
            }
        }
        file.statistics(begin + epoch, System.nanoTime() + epoch, tap.statistics());
        file.flush();
    }

    private static long epochNanos() {
        var now = Instant.now();
        return TimeUnit.SECONDS.toNanos(now.getEpochSecond()) + now.getNano();
    }

    /** Writes what is there, up to a limit; returns how many frames that were. */
    private static long drain(ByteRing ring, PcapngWriter file, long limit, long epoch)
            throws IOException {
        long taken = 0;
        var bytes = ring.array();
        for (int at = ring.next(); at != ByteRing.NONE && taken < limit; at = ring.next()) {
            file.frame(
                    (long) CaptureStage.LONG.get(bytes, at) + epoch,
                    (int) CaptureStage.INT.get(bytes, at + CaptureStage.DIRECTION_AT),
                    (int) CaptureStage.INT.get(bytes, at + CaptureStage.LENGTH_AT),
                    bytes,
                    at + CaptureStage.RECORD_HEADER,
                    ring.length(at) - CaptureStage.RECORD_HEADER);
            ring.release();
            taken++;
        }
        return taken;
    }
}
