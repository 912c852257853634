package io.vireo.fabric.l2.qos;

import io.vireo.net.FrameBatch;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Whose turn it is when several ports want to send more than an uplink carries: reservations first,
 * then by shares, never beyond a limit, and nothing is left unused while somebody has frames (as
 * mClock does for storage: Gulati et al., OSDI 2010).
 *
 * <p>It holds no frames. A port asks {@link #admits} before frames are taken from it, {@link
 * #charge} tells what went to the uplink, and {@link #polled} how the pass ended. While the uplink
 * has room all are admitted. Once it is congested, a flow whose reservation is not used up comes
 * first; else the one that got least in relation to its shares (start-time fair queueing: each flow
 * has a tag that grows by bytes / shares). A flow that had nothing to send leaves the race, and
 * starts again where the others are. One that sends to other ports only is not held up: a flow is
 * in the race from the time that a pass of it went to the uplink.
 */
public final class UplinkScheduler {
    /** Tags count bytes in these fractions; they may wrap around. */
    private static final int TAG_SHIFT = 20;

    private static final long BURST_MIN = 1 << 20;

    /** How much one may send before the next one's turn comes: at high speed as much as 100 us. */
    private static final long QUANTUM_MIN = 64 << 10;

    private static final long TURNS_PER_SECOND = 10_000;

    /** The uplink's burst in time: what a poller that is late may still catch up with. */
    private static final long BURST_PER_SECOND = 100;

    private final TokenBucket link;
    private final int quantum;
    private Flow[] flows = {};
    private boolean congested;
    private long virtualTime;
    private @Nullable Flow next;

    /** What the scheduler knows of a port. */
    public static final class Flow {
        private final int shares;
        private final int quantum;
        private final @Nullable TokenBucket reservation;
        private final @Nullable TokenBucket limit;
        private long tag;
        private boolean waiting;
        private boolean sending;
        private boolean charged;
        private boolean byReservation;
        private long opensIn;

        /** Bytes of a frame, as the last pass had them. */
        private long frameBytes = FrameBatch.LENGTH_MAX;

        private boolean bounded;

        private Flow(int shares, int quantum, long reservation, long limit, long now) {
            this.shares = shares;
            this.quantum = quantum;
            this.reservation = bucket(reservation, now);
            this.limit = bucket(limit, now);
        }

        private static @Nullable TokenBucket bucket(long rate, long now) {
            return rate == 0 ? null : new TokenBucket(rate, burst(rate), now);
        }

        /**
         * Frames to take at most after {@link UplinkScheduler#admits} was true: where others wait,
         * what makes about a quantum, at least 1.
         */
        public int frames() {
            return bounded
                    ? (int) Math.clamp(quantum / frameBytes, 1, FrameBatch.CAPACITY)
                    : FrameBatch.CAPACITY;
        }

        /**
         * Nanoseconds from the last {@link UplinkScheduler#admits} that was false until it may be
         * true; 0 if that depends on others.
         */
        public long opensIn() {
            return opensIn;
        }
    }

    /**
     * A scheduler of an idle uplink.
     *
     * @param speed of the uplink in bit/s, gaps between frames included
     * @param now in nanoseconds
     */
    public UplinkScheduler(long speed, long now) {
        link = new TokenBucket(speed, burst(speed), now);
        quantum = (int) Math.max(speed / 8 / TURNS_PER_SECOND, QUANTUM_MIN);
    }

    private static long burst(long rate) {
        return Math.clamp(rate / 8 / BURST_PER_SECOND, BURST_MIN, TokenBucket.BURST_MAX);
    }

    /**
     * Adds a flow.
     *
     * @param shares 1 to {@link io.vireo.net.QosSettings#SHARES_MAX}
     * @param reservation in bit/s; 0: none
     * @param limit in bit/s; 0: none
     */
    public Flow add(int shares, long reservation, long limit, long now) {
        var flow = new Flow(shares, quantum, reservation, limit, now);
        flow.tag = virtualTime;
        flows = Arrays.copyOf(flows, flows.length + 1);
        flows[flows.length - 1] = flow;
        return flow;
    }

    /** Forgets a flow. */
    public void remove(Flow flow) {
        flows = Arrays.stream(flows).filter(other -> other != flow).toArray(Flow[]::new);
        next = null;
    }

    /** Whether frames may be taken from the flow's port now. */
    public boolean admits(Flow flow, long now) {
        flow.charged = false;
        flow.byReservation = false;
        flow.bounded = congested || flow.limit != null;
        link.refill(now);
        if (!flow.sending) {
            return true;
        }
        if (flow.limit != null) {
            flow.limit.refill(now);
            if (!flow.limit.inCredit()) {
                leave(flow);
                flow.opensIn = flow.limit.nanosToCredit();
                return false;
            }
        }
        if (!isCongested()) {
            return true;
        }
        join(flow);
        if (!link.inCredit()) {
            flow.opensIn = link.nanosToCredit();
            return false;
        }
        flow.opensIn = 0;
        return isNext(flow, now);
    }

    /** Congestion begins with debt and ends when half of the burst is there again. */
    private boolean isCongested() {
        if (congested) {
            congested = !link.halfFull();
        } else if (!link.inCredit()) {
            congested = true;
            // What was used while there was enough for all is forgotten.
            for (var flow : flows) {
                flow.tag = virtualTime;
                flow.waiting = false;
            }
            next = null;
        }
        return congested;
    }

    private boolean isNext(Flow flow, long now) {
        boolean reserved = false;
        for (var other : flows) {
            if (other.waiting && other.reservation != null) {
                other.reservation.refill(now);
                reserved |= other.reservation.inCredit();
            }
        }
        if (reserved) {
            flow.byReservation = flow.reservation != null && flow.reservation.inCredit();
            return flow.byReservation;
        }
        return flow == first();
    }

    private @Nullable Flow first() {
        if (next == null) {
            for (var flow : flows) {
                if (flow.waiting && (next == null || flow.tag - next.tag < 0)) {
                    next = flow;
                }
            }
        }
        return next;
    }

    private void join(Flow flow) {
        if (!flow.waiting) {
            flow.waiting = true;
            if (flow.tag - virtualTime < 0) {
                flow.tag = virtualTime;
            }
            next = null;
        }
    }

    private void leave(Flow flow) {
        if (flow.waiting) {
            flow.waiting = false;
            next = null;
        }
    }

    /** The flow's port stands still for another reason: nobody waits for it. */
    public void stopped(Flow flow) {
        leave(flow);
    }

    /**
     * Frames of the flow go to the uplink.
     *
     * @param bytes of the frames
     * @param packets how many frames they are on the wire
     * @param frames how many frames they were in the pass, at least 1
     */
    public void charge(Flow flow, long bytes, int packets, int frames) {
        flow.frameBytes = Math.max(bytes / frames, 1);
        flow.sending = true;
        flow.charged = true;
        link.take(bytes + (long) WireSize.BETWEEN_FRAMES * packets);
        if (flow.limit != null) {
            flow.limit.take(bytes);
        }
        if (flow.reservation != null) {
            if (flow.byReservation) {
                flow.reservation.take(bytes);
            } else {
                flow.reservation.takeWhatIsThere(bytes);
            }
        }
        if (flow == next) {
            virtualTime = flow.tag;
            next = null;
        }
        flow.tag += (bytes << TAG_SHIFT) / flow.shares;
    }

    /** A pass over the flow's port is over, of {@code frames} frames. */
    public void polled(Flow flow, int frames) {
        if (frames == 0 || !flow.charged) {
            flow.sending = false;
            leave(flow);
        }
    }
}
