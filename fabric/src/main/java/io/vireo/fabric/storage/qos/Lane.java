package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockRequest;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Whose turn it is among the vDisks of a pool that one reactor serves (as mClock does: Gulati et
 * al., OSDI 2010): reservations first, of vDisks and of those who send their requests, then by
 * shares (start-time fair queueing), never beyond the rates of a vDisk, and nothing is left unused
 * while somebody has requests.
 *
 * <p>It holds no requests: they wait in {@link Flow}s. {@link #dispatch} says which of them may go
 * on and has their channels polled.
 *
 * <p>What the pool can do is divided among its lanes anew every few milliseconds ({@link
 * Division}), by what each has published. A lane on which nobody waits is charged with what it
 * uses; those on which somebody waits divide the rest. So the whole is exact as long as one reactor
 * serves the pool, and a few milliseconds late where several do.
 */
final class Lane {
    static final long EXCHANGE_NANOS = 5_000_000;

    /** What a lane published that was not polled since is of no interest. */
    private static final long STALE_NANOS = 100_000_000;

    private static final double SMOOTHING_NANOS = 20_000_000;
    private static final long BURST_NANOS = 5_000_000;
    private static final long BURST_UNITS = 8;
    private static final int TAG_SHIFT = 20;
    private static final int TICK_SHIFT = 6;

    /** Ahead by so much: nothing is reserved. */
    private static final long NOTHING = Long.MAX_VALUE;

    private static final double TICKS_PER_SECOND = 1e9 * (1 << TICK_SHIFT);

    private final PoolQos pool;
    private final long origin;

    private Flow[] waiting = new Flow[8];
    private int waitingCount;
    private int open;
    private long openShares;
    private long virtualTime;

    /** Until when what was granted keeps this lane's part of the pool busy, in ticks. */
    private long busyUntil;

    private double rate;
    private double ticksPerUnit;
    private long burstTicks;
    private long lastExchange;
    private long unitsSince;
    private double usage;

    /** Whether somebody waited for the pool itself since the last exchange. */
    private boolean pressed;

    // For the other lanes. Each is true by itself; together they may be of two exchanges.
    private volatile long publishedAt;
    private volatile double used;
    private volatile double weight;
    private volatile double reserved;

    private double[] weights = new double[4];
    private double[] floors = new double[4];

    Lane(PoolQos pool, long now) {
        this.pool = pool;
        origin = now;
        lastExchange = now - EXCHANGE_NANOS;
        publishedAt = now - 2 * STALE_NANOS;
    }

    /**
     * Adds a flow of a channel.
     *
     * @param commitment to whoever sends its requests; null: none
     */
    Flow open(VdiskQos vdisk, @Nullable Commitment commitment, Flow.Owner owner) {
        var flow = new Flow(vdisk, commitment, owner);
        flow.tag = virtualTime;
        open++;
        openShares += vdisk.settings().shares();
        return flow;
    }

    /** Forgets a flow that holds nothing any more. */
    void close(Flow flow) {
        leave(flow);
        open--;
        openShares = open == 0 ? 0 : openShares * open / (open + 1);
    }

    /** A flow has got a request that waits. */
    void join(Flow flow) {
        if (flow.place >= 0) {
            return;
        }
        if (waitingCount == waiting.length) {
            waiting = Arrays.copyOf(waiting, waitingCount * 2);
        }
        flow.place = waitingCount;
        waiting[waitingCount++] = flow;
        if (flow.tag - virtualTime < 0) {
            flow.tag = virtualTime;
        }
        flow.vdisk.backlogBegins();
        if (flow.commitment != null) {
            flow.commitment.backlogBegins();
        }
    }

    /** Nothing of a flow waits any more. */
    void leave(Flow flow) {
        if (flow.place < 0) {
            return;
        }
        Flow last = waiting[--waitingCount];
        waiting[flow.place] = last;
        last.place = flow.place;
        flow.place = -1;
        flow.vdisk.backlogEnds();
        if (flow.commitment != null) {
            flow.commitment.backlogEnds();
        }
    }

    /** Grants all that may go on now. */
    void dispatch(long now) {
        boolean shared = pool.iops() != 0;
        if (shared && now - lastExchange >= EXCHANGE_NANOS) {
            exchange(now);
        }
        while (waitingCount > 0) {
            Flow flow = first(now, shared);
            if (flow == null) {
                return;
            }
            if (shared && busyUntil - ticks(now) > 0) {
                pressed = true;
                return;
            }
            grant(flow, now, shared);
        }
    }

    /** Nanoseconds until a flow that waits may go on; at least 1. */
    long opensIn(Flow flow, long now) {
        long byRate = flow.vdisk.opensIn(flow.next().operation(), now);
        long byPool = pool.iops() == 0 ? 0 : (busyUntil - ticks(now)) >> TICK_SHIFT;
        return Math.max(1, Math.max(byRate, byPool + 1));
    }

    private @Nullable Flow first(long now, boolean shared) {
        Flow first = null;
        long firstAhead = 0;
        for (int i = 0; i < waitingCount; i++) {
            Flow flow = waiting[i];
            if (!mayGoOn(flow, now)) {
                continue;
            }
            long ahead = shared ? ahead(flow, now) : NOTHING;
            if (first == null || before(flow, ahead, first, firstAhead)) {
                first = flow;
                firstAhead = ahead;
            }
        }
        return first;
    }

    /** Whether only others keep it waiting. */
    private static boolean mayGoOn(Flow flow, long now) {
        return flow.vdisk.admits(flow.next().operation(), now) && flow.owner.hasRoom();
    }

    private static boolean before(Flow one, long oneAhead, Flow other, long otherAhead) {
        // Two lines of one user are equally far.
        boolean byReservation = (oneAhead <= 0 || otherAhead <= 0) && oneAhead != otherAhead;
        return byReservation ? oneAhead < otherAhead : one.tag - other.tag < 0;
    }

    /** How far what is reserved for a flow is used ahead, in ticks; positive: none is left. */
    private long ahead(Flow flow, long now) {
        long own = ownAhead(flow, flow.vdisk.settings().reservation(), now);
        return Math.min(own, usersAhead(flow, now));
    }

    /** How far the reservation of its vDisk is used ahead, in ticks; positive: none is left. */
    private long ownAhead(Flow flow, long reservation, long now) {
        return reservation == 0 ? NOTHING : flow.reservedUntil - ticks(now);
    }

    /** The same of what is reserved for whoever sends its requests. */
    private static long usersAhead(Flow flow, long now) {
        return flow.commitment == null ? NOTHING : flow.commitment.ahead(now);
    }

    private void grant(Flow flow, long now, boolean shared) {
        BlockRequest request = flow.next();
        flow.vdisk.take(request, now);
        if (shared) {
            long units = Flow.units(request);
            busyUntil =
                    Math.max(busyUntil, ticks(now) - burstTicks) + (long) (units * ticksPerUnit);
            unitsSince += units;
            if (!useReservation(flow, units, now)) {
                virtualTime = flow.tag;
            }
            addToTag(flow, units);
        }
        flow.grant(now);
        if (!flow.waits()) {
            leave(flow);
        }
        flow.owner.wake();
    }

    /** Whether the request was part of a reservation: of the one that is the least used of two. */
    private boolean useReservation(Flow flow, long units, long now) {
        long reservation = flow.vdisk.settings().reservation();
        long own = ownAhead(flow, reservation, now);
        long users = usersAhead(flow, now);
        if (users <= 0 && users <= own && flow.commitment != null) {
            flow.commitment.take(units, now);
        } else if (own <= 0) {
            double ticks = TICKS_PER_SECOND * flow.vdisk.backloggedChannels() / reservation;
            long burst = Math.max(BURST_NANOS << TICK_SHIFT, (long) ticks);
            flow.reservedUntil =
                    Math.max(flow.reservedUntil, ticks(now) - burst) + (long) (units * ticks);
        }
        return users <= 0 || own <= 0;
    }

    /** A request that waited for nobody: it counts as the vDisk's, but nobody else pays for it. */
    void unasked(Flow flow, BlockRequest request, long now) {
        flow.vdisk.takeUnasked(request, now);
        if (pool.iops() != 0) {
            if (flow.place < 0 && flow.tag - virtualTime < 0) {
                flow.tag = virtualTime;
            }
            addToTag(flow, Flow.units(request));
        }
    }

    private static void addToTag(Flow flow, long units) {
        flow.tag +=
                (units << TAG_SHIFT)
                        * flow.vdisk.backloggedChannels()
                        / flow.vdisk.settings().shares();
    }

    private void exchange(long now) {
        long elapsed = now - lastExchange;
        double recent = unitsSince * 1e9 / elapsed;
        usage += (recent - usage) * Math.min(1, elapsed / SMOOTHING_NANOS);
        unitsSince = 0;
        lastExchange = now;
        publish(now);
        setRate(part(now));
        pressed = false;
    }

    private void publish(long now) {
        double shares = 0;
        double floor = 0;
        if (pressed) {
            for (int i = 0; i < waitingCount; i++) {
                Flow flow = waiting[i];
                if (mayGoOn(flow, now)) {
                    double channels = flow.vdisk.backloggedChannels();
                    shares += flow.vdisk.settings().shares() / channels;
                    floor += flow.vdisk.settings().reservation() / channels;
                    if (flow.commitment != null) {
                        floor +=
                                (double) flow.commitment.perSecond()
                                        / flow.commitment.backloggedFlows();
                    }
                }
            }
        }
        used = shares == 0 ? usage : 0;
        weight = shares;
        reserved = floor;
        publishedAt = now;
    }

    /** What this lane may do, in units per second. */
    private double part(long now) {
        Lane[] lanes = pool.lanes();
        if (lanes.length == 1) {
            return pool.iops();
        }
        if (weights.length < lanes.length) {
            weights = new double[lanes.length];
            floors = new double[lanes.length];
        }
        // Where nobody waits yet, whoever begins to is to find what would be his.
        weights[0] = weight > 0 ? weight : Math.max(openShares, 1);
        floors[0] = reserved;
        int count = 1;
        double free = pool.iops();
        for (Lane lane : lanes) {
            if (lane != this && now - lane.publishedAt < STALE_NANOS) {
                free -= lane.used;
                weights[count] = lane.weight;
                floors[count] = lane.reserved;
                count++;
            }
        }
        return Division.first(Math.max(free, 0), weights, floors, count);
    }

    private void setRate(double changed) {
        rate = Math.clamp(changed, 1, pool.iops());
        ticksPerUnit = TICKS_PER_SECOND / rate;
        burstTicks = Math.max(BURST_NANOS << TICK_SHIFT, (long) (BURST_UNITS * ticksPerUnit));
    }

    private long ticks(long now) {
        return (now - origin) << TICK_SHIFT;
    }
}
