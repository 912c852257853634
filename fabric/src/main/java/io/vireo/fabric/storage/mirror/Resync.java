package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import java.util.BitSet;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * Copies in the background, region by region, no faster than it may: first what legs that are in
 * sync may differ in, then what legs that came back lack. When these have everything they are
 * flushed, and then called in sync.
 */
final class Resync {
    /** Until it is tried again to read what no leg could be read of. */
    private static final long RETRY = TimeUnit.SECONDS.toNanos(5);

    private static final byte WORK = Regions.UNEQUAL | Regions.LACKING;

    private final MirrorChannel channel;
    private final Regions regions;
    private final Reactor home;
    private final Timer next;
    private final Timer again;

    /** Regions that no leg could be read of: they are as they were, and left out for a while. */
    private final BitSet unread = new BitSet();

    /** Whether the region that is copied is one of them. */
    private boolean missed;

    private long rate;
    private boolean paused;
    private boolean running;
    private boolean finishing;
    private boolean stopped;

    /** Whether the timer has the next piece begin. */
    private boolean waiting;

    private int region = -1;
    private long at;
    private int disturbances;

    private long total;
    private long copied;
    private long startedAt;
    private long notBefore;
    private int outstanding;

    /**
     * @param rate bytes per second; 0: as fast as it can
     */
    Resync(MirrorChannel channel, Regions regions, Reactor home, long rate) {
        this.channel = channel;
        this.regions = regions;
        this.home = home;
        this.rate = rate;
        next = home.timer(this::nextPiece);
        again = home.timer(this::kick);
    }

    void rate(long bytesPerSecond) {
        rate = bytesPerSecond;
        notBefore = home.nanoTime();
        if (waiting) {
            next.start(0);
        }
        kick();
    }

    void pause(boolean on) {
        paused = on;
        kick();
    }

    boolean isPaused() {
        return paused;
    }

    long copiedBytes() {
        return Math.min(copied, total);
    }

    long totalBytes() {
        return total;
    }

    long bytesPerSecond() {
        long nanos = home.nanoTime() - startedAt;
        return total == 0 || nanos <= 0 ? 0 : (long) (copied * 1e9 / nanos);
    }

    /** No more is begun. */
    void stop() {
        stopped = true;
        waiting = false;
        next.cancel();
        again.cancel();
    }

    /** There may be something to do. */
    void kick() {
        if (running || finishing || stopped || paused || channel.check() == null) {
            return;
        }
        if (regions.unequal() + regions.todo() == 0) {
            total = 0;
            copied = 0;
            unread.clear();
            finish();
            return;
        }
        if (total == 0) {
            startedAt = home.nanoTime();
            notBefore = startedAt;
        }
        // Both flags of a region are done in one go.
        total = copied + (long) (regions.unequal() + regions.todo()) * regions.bytes();
        running = true;
        nextRegion();
    }

    private void nextRegion() {
        int from = Math.max(region, 0);
        missed = false;
        region = next(from, Regions.UNEQUAL);
        if (region < 0) {
            region = next(from, Regions.LACKING);
        }
        if (region < 0) {
            running = false;
            if (from > 0 || unread.isEmpty()) {
                // Some before it, or none at all.
                channel.soon(this::kick);
            } else {
                unread.clear();
                again.start(RETRY);
            }
            return;
        }
        at = regions.start(region);
        disturbances = channel.disturbances();
        nextPiece();
    }

    private int next(int from, byte flag) {
        int found = regions.next(from, flag);
        while (found >= 0 && unread.get(found)) {
            found = regions.next(found + 1, flag);
        }
        return found;
    }

    private void nextPiece() {
        waiting = false;
        long end = Math.min(regions.start(region) + regions.bytes(), channel.legs().dataBytes());
        if (stopped || paused || channel.recorder().isLost()) {
            running = false;
            return;
        }
        if (at >= end || !regions.any(region, region, WORK)) {
            done();
            return;
        }
        long wait = notBefore - home.nanoTime();
        if (wait > 0) {
            waiting = true;
            next.start(wait);
            return;
        }
        int length = (int) Math.min(Copier.MOST, end - at);
        // While that is found out changes of the region go on.
        if (!Objects.requireNonNull(channel.check()).isReady(at, length, this::nextPiece)) {
            return;
        }
        int targets = channel.legs().syncing();
        if (regions.has(region, Regions.UNEQUAL)) {
            targets |= channel.legs().inSync();
        }
        channel.copier().submit(new CopyJob(region, at, length, targets, 0, this::copied));
        at += length;
        if (rate > 0) {
            notBefore = Math.max(notBefore, home.nanoTime()) + (long) (length * 1e9 / rate);
        }
    }

    private void copied(boolean success) {
        missed |= !success;
        if (!success && channel.legs().syncing() != 0 && !stopped) {
            channel.legs()
                    .failAll(
                            channel.legs().syncing(),
                            "what it lacks cannot be read from the others: offset %d of the mirror"
                                    .formatted(at));
        }
        copied += Copier.MOST;
        // Not deeper and deeper into the stack.
        channel.soon(this::nextPiece);
    }

    private void done() {
        if (missed) {
            unread.set(region);
        } else if (disturbances == channel.disturbances()) {
            regions.clear(region, Regions.UNEQUAL);
            regions.clear(region, Regions.LACKING);
        }
        nextRegion();
    }

    /** Legs that have everything are flushed. */
    private void finish() {
        outstanding = 1;
        for (Leg leg : channel.legs()) {
            if (leg.state == Leg.State.SYNCING && leg.marked && !leg.promoted) {
                finishing = true;
                leg.behind = false;
                outstanding++;
                int joined = leg.joins;
                var request = new BlockRequest(0, r -> flushed(leg, joined, r.status()));
                leg.submit(request.prepare(BlockOperation.FLUSH, 0, 0));
            }
        }
        ended();
    }

    private void flushed(Leg leg, int joined, BlockStatus status) {
        // It may have failed and come back meanwhile.
        if (leg.joins == joined && leg.state == Leg.State.SYNCING) {
            if (status == BlockStatus.OK) {
                leg.promoted = !leg.behind;
            } else {
                channel.legs().failAll(leg.bit, "a flush of it failed");
            }
        }
        ended();
    }

    private void ended() {
        if (--outstanding > 0 || !finishing) {
            return;
        }
        finishing = false;
        channel.legs().promote();
        // Others may have come back meanwhile.
        channel.soon(this::kick);
    }
}
