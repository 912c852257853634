package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * What a mirror does by the clock: it takes bits back of regions in which nothing has happened for
 * a while, and looks whether legs that failed are well again, each time after a longer wait.
 */
final class LegWatch {
    private static final long TICK = TimeUnit.SECONDS.toNanos(5);
    private static final long FIRST_RETRY = TimeUnit.SECONDS.toNanos(5);
    private static final long LAST_RETRY = TimeUnit.MINUTES.toNanos(10);

    private final MirrorChannel channel;
    private final Reactor home;
    private final long[] retryAfter = new long[MirrorHeader.MAX_LEGS];
    private final OwnMemory block =
            OwnMemory.allocate(PoolFormat.BLOCK * 2 * MirrorHeader.MAX_LEGS);
    private final List<LegQueue> retired = new ArrayList<>();
    private final Timer ticker;
    private final List<Timer> retries = new ArrayList<>();
    private boolean ticking;
    private boolean stopped;
    private int probing;
    private int ownFlushes;

    /** The newest flush at the last tick: who was written to later is not idle. */
    private int mark;

    LegWatch(MirrorChannel channel, Reactor home) {
        this.channel = channel;
        this.home = home;
        ticker = home.timer(this::tick);
        Arrays.fill(retryAfter, FIRST_RETRY);
    }

    boolean isBusy() {
        return probing > 0 || ownFlushes > 0 || !retired.isEmpty();
    }

    void stop() {
        stopped = true;
        ticker.cancel();
        retries.forEach(Timer::cancel);
    }

    /** There may be bits that can be taken back later. */
    void changed() {
        if (!ticking && !stopped && canClear() && channel.regions().bits() > 0) {
            ticking = true;
            mark = channel.flushNumber();
            ticker.start(TICK);
        }
    }

    /** While a leg is not in sync the bits say what it lacks. */
    private boolean canClear() {
        return channel.legs().inSync() == (1 << channel.legs().size()) - 1
                && !channel.recorder().isLost()
                && channel.recorder().mayBeInSync() == channel.legs().inSync();
    }

    private void tick() {
        ticking = false;
        if (!stopped && canClear() && channel.regions().bits() > 0) {
            flushNow();
        }
    }

    /** Flushes now, whatever the clock says. */
    void flushNow() {
        ownFlushes++;
        channel.flushOwn();
    }

    /** The mirror's own flush has ended. */
    void flushed() {
        ownFlushes--;
        if (canClear() && !stopped) {
            clear(mark);
        }
        changed();
    }

    /** Takes back the bits of regions that nothing was written to since flush {@code since}. */
    void clear(int since) {
        Regions regions = channel.regions();
        int good = channel.goodFlush();
        for (int i = 0; i < regions.count(); i++) {
            if (regions.has(i, Regions.DURABLE)
                    && !regions.has(i, Regions.UNEQUAL)
                    && !regions.has(i, Regions.LOCKED)
                    && regions.isIdle(i)
                    && regions.wroteAt(i) <= since
                    && regions.wroteAt(i) < good) {
                channel.intent().clear(i);
            }
        }
        channel.intent().begin();
    }

    /** A leg has failed: it is looked at again later. */
    void failed(Leg leg) {
        leg.joins++;
        long wait = retryAfter[leg.index];
        retryAfter[leg.index] = Math.min(LAST_RETRY, wait * 2);
        retry(leg, wait);
    }

    private void retry(Leg leg, long wait) {
        if (stopped) {
            return;
        }
        int joins = leg.joins;
        var retry = new Timer[1];
        retry[0] =
                home.schedule(
                        wait,
                        () -> {
                            retries.remove(retry[0]);
                            if (leg.joins == joins && leg.state == Leg.State.FAILED) {
                                lookAt(leg);
                            }
                        });
        retries.add(retry[0]);
    }

    /** It is in sync again. */
    void recovered(Leg leg) {
        retryAfter[leg.index] = FIRST_RETRY;
    }

    /** What was given up must not be carried out behind what the leg gets from now on. */
    private void lookAt(Leg leg) {
        if (leg.isHeld()) {
            retry(leg, FIRST_RETRY);
        } else {
            probe(leg);
        }
    }

    private void probe(Leg leg) {
        probing++;
        int[] left = {2};
        boolean[] failed = {false};
        for (int place = 0; place < 2; place++) {
            long buffer = block.address() + (leg.index * 2L + place) * PoolFormat.BLOCK;
            var request =
                    new BlockRequest(
                            0,
                            r -> {
                                failed[0] |= r.status() != BlockStatus.OK;
                                if (--left[0] == 0) {
                                    probed(leg, !failed[0]);
                                }
                            });
            request.prepare(BlockOperation.READ, MirrorHeader.PLACES[place], PoolFormat.BLOCK)
                    .data()
                    .add(buffer, PoolFormat.BLOCK);
            leg.submit(request);
        }
    }

    private void probed(Leg leg, boolean readable) {
        probing--;
        if (stopped || leg.state != Leg.State.FAILED) {
            return;
        }
        MirrorHeader best = null;
        int place = 0;
        for (int i = 0; i < 2 && readable; i++) {
            try (OwnMemory one = OwnMemory.allocate(PoolFormat.BLOCK)) {
                one.put(0, block.bytes((leg.index * 2 + i) * PoolFormat.BLOCK, PoolFormat.BLOCK));
                MirrorHeader found = MirrorHeader.decode(one);
                if (best == null || found.generation() > best.generation()) {
                    best = found;
                    place = i;
                }
            } catch (FormatException e) {
                // The other place may say more.
            }
        }
        if (readable && leg.fresh) {
            // What it has is nobody's, and it lacks everything.
            channel.legs().join(leg);
            return;
        }
        MirrorHeader durable = channel.recorder().durable();
        if (best == null || !best.set().equals(durable.set()) || best.leg() != leg.index) {
            failed(leg);
            return;
        }
        leg.place = place;
        leg.whole = !durable.covers(leg.index, best);
        channel.legs().join(leg);
    }

    /** Puts a device into the place of a leg that is not in sync. */
    void replace(Leg leg, LegQueue queue) {
        LegQueue old = leg.queue;
        if (old != null) {
            old.giveUp();
            retired.add(old);
            old.close(() -> retired.remove(old));
        }
        leg.queue = queue;
        channel.legs().join(leg);
    }

    /** Whether a device that was replaced still has requests. */
    boolean isHeld(BlockDevice device) {
        return retired.stream().anyMatch(queue -> queue.device() == device);
    }

    /** Lets what is left in the queues of replaced legs end. */
    int pollRetired() {
        int work = 0;
        for (int i = retired.size() - 1; i >= 0; i--) {
            work += retired.get(i).poll();
        }
        return work;
    }

    void close() {
        block.close();
    }
}
