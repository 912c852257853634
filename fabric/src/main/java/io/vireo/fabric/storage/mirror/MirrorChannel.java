package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.queue.Fifo;
import io.vireo.reactor.Reactor;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Requests of the member become requests of its legs here: changes and flushes of all, reads of the
 * one that has least to do. The data of a change must not change while it is under way, else the
 * copies would differ.
 */
final class MirrorChannel implements BlockChannel {
    private static final int DEPTH = 256;

    private final Reactor home;
    private final Legs legs;
    private final boolean readOnly;
    private final Regions regions;
    private final LegRecorder recorder;
    private final IntentLog intent;
    private final Copier copier;
    private final MirrorReads reads;
    private final Resync resync;
    private final LegWatch watch;
    private final StallWatch stalls;
    private final MirrorClosing closing;
    private final BlockMeter meter;
    private final ArrayDeque<MirrorRequest> spare = new ArrayDeque<>();
    private final Fifo<MirrorRequest> beforeStart = new Fifo<>();

    /** Changes that wait for a region that is copied: in their order, and until they begin. */
    private final Fifo<MirrorRequest> blocked = new Fifo<>();

    private final Changes waitForCopies = new Changes();

    private final Changes underWay = new Changes();

    /**
     * Changes that wait for one of the same bytes: each leg carries out what it has in an order of
     * its own, and the copies would differ.
     */
    private final Fifo<MirrorRequest> behind = new Fifo<>();

    /** Requests and tasks that go on in the next turn. */
    private final Fifo<MirrorRequest> ready = new Fifo<>();

    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private Runnable wake = () -> {};
    private @Nullable CopyCheck check;
    private int inFlight;
    private int flushes;
    private int goodFlush;
    private int disturbances;
    private boolean started;

    MirrorChannel(MirrorDevice device, MirrorPlan plan, Reactor home, long rate, long stallLimit) {
        this.home = home;
        stalls = new StallWatch(this, home, stallLimit);
        legs = new Legs(this, device.openLegs(this), device.events(), plan.readOnly());
        readOnly = plan.readOnly();
        meter = device.meter();
        regions =
                new Regions(
                        plan.header().regionShift(), regionsOf(legs.dataBytes(), plan.header()));
        regions.setAll(plan.dirty(), Regions.BIT);
        if (Integer.bitCount(legs.inSync()) > 1) {
            regions.setAll(plan.dirty(), Regions.UNEQUAL);
        }
        recorder = new LegRecorder(this, plan.header(), plan.alone());
        intent = new IntentLog(this, regions);
        copier = new Copier(this, regions);
        reads = new MirrorReads(this, readOnly);
        resync = new Resync(this, regions, home, rate);
        watch = new LegWatch(this, home);
        closing = new MirrorClosing(this);
        if (readOnly) {
            started = true;
            stalls.stop();
        } else {
            recorder.changed();
        }
    }

    private static int regionsOf(long bytes, MirrorHeader header) {
        return (int) (bytes + (1L << header.regionShift()) - 1 >>> header.regionShift());
    }

    Reactor home() {
        return home;
    }

    Legs legs() {
        return legs;
    }

    Regions regions() {
        return regions;
    }

    LegRecorder recorder() {
        return recorder;
    }

    IntentLog intent() {
        return intent;
    }

    Copier copier() {
        return copier;
    }

    LegWatch watch() {
        return watch;
    }

    StallWatch stalls() {
        return stalls;
    }

    Resync resync() {
        return resync;
    }

    /** What is known of what is copied; null: nothing yet. */
    @Nullable CopyCheck check() {
        return check;
    }

    /** From now on there is somebody who knows what is copied. */
    void check(CopyCheck newCheck) {
        check = newCheck;
        resync.kick();
    }

    /** The number of the newest flush. */
    int flushNumber() {
        return flushes;
    }

    /** The number of the newest flush that all legs have carried out. */
    int goodFlush() {
        return goodFlush;
    }

    /** What was copied may have become wrong. */
    void disturb() {
        disturbances++;
    }

    /** Grows whenever what was copied may have become wrong. */
    int disturbances() {
        return disturbances;
    }

    /** Has a task run in the next turn. */
    void soon(Runnable task) {
        tasks.add(task);
        wake();
    }

    void wake() {
        wake.run();
    }

    @Override
    public int free() {
        return DEPTH - inFlight;
    }

    @Override
    public int inFlight() {
        return inFlight;
    }

    @Override
    public void submit(BlockRequest request) {
        inFlight++;
        MirrorRequest op = take(request);
        if (started) {
            begin(op);
        } else {
            beforeStart.add(op);
        }
    }

    private MirrorRequest take(@Nullable BlockRequest client) {
        MirrorRequest op = spare.poll();
        if (op == null) {
            op = new MirrorRequest(this);
        }
        op.begin(client);
        return op;
    }

    private void begin(MirrorRequest op) {
        switch (op.client().operation()) {
            case READ -> reads.begin(op);
            case WRITE, WRITE_ZEROES -> change(op);
            case FLUSH -> flush(op);
            case DISCARD, ALLOCATE -> complete(op, BlockStatus.UNSUPPORTED);
        }
    }

    private void change(MirrorRequest op) {
        BlockRequest client = op.client();
        if (op.waitsForCopy) {
            op.waitsForCopy = false;
            waitForCopies.leave(op);
        }
        if (readOnly || recorder.isLost()) {
            complete(op, readOnly ? BlockStatus.READ_ONLY : BlockStatus.IO_ERROR);
            return;
        }
        op.first = regions.of(client.offset());
        op.last = regions.of(client.offset() + client.length() - 1);
        regions.grow(op.last + 1);
        if (regions.any(op.first, op.last, Regions.LOCKED)) {
            op.waitsForCopy = true;
            waitForCopies.enter(op);
            blocked.add(op);
            return;
        }
        if (!regions.isIdle(op.first, op.last) && underWay.overlap(client)) {
            behind.add(op);
            return;
        }
        regions.enter(op.first, op.last);
        underWay.enter(op);
        if (regions.all(op.first, op.last, Regions.DURABLE)) {
            send(op);
        } else {
            intent.want(op);
        }
    }

    /** The bits of a change's regions are durable, or cannot be. */
    void intended(MirrorRequest op, boolean success) {
        if (success) {
            send(op);
        } else {
            left(op);
            complete(op, BlockStatus.IO_ERROR);
        }
    }

    private void flush(MirrorRequest op) {
        if (readOnly) {
            complete(op, BlockStatus.OK);
            return;
        }
        op.number = ++flushes;
        send(op);
    }

    /** The mirror's own flush, so that bits can be taken back. */
    void flushOwn() {
        MirrorRequest op = take(null);
        op.number = ++flushes;
        send(op);
    }

    private void send(MirrorRequest op) {
        op.outstanding = 1;
        op.departures.watch(legs);
        for (int i = 0; i < legs.size(); i++) {
            Leg leg = legs.get(i);
            if (leg.isLive()) {
                op.sent |= leg.bit;
                op.outstanding++;
                leg.submit(op.prepare(i));
            }
        }
        ended(op);
    }

    /** A leg has ended its part of a request. */
    void legEnded(MirrorRequest op, int leg, BlockStatus status) {
        if (status == BlockStatus.OK) {
            op.done |= 1 << leg;
        } else {
            op.failed |= 1 << leg;
            op.failure = status;
        }
        ended(op);
    }

    private void ended(MirrorRequest op) {
        if (--op.outstanding > 0) {
            return;
        }
        if (op.isFlush()) {
            flushed(op);
        } else if (op.client().operation() == BlockOperation.READ) {
            reads.ended(op);
        } else {
            changed(op);
        }
    }

    private void changed(MirrorRequest op) {
        boolean ours =
                op.failure == BlockStatus.MEMORY_FAULT || op.failure == BlockStatus.CANCELLED;
        if ((op.done & legs.inSync()) != 0 && !ours) {
            legs.failAll(op.failed & ~op.away(legs), "a write to it failed");
            acknowledge(op);
            return;
        }
        if (op.failed != 0) {
            // Nobody knows which leg has how much of it.
            disturbances++;
            legs.failAll(op.failed & legs.syncing() & ~op.away(legs), "a write to it failed");
            legs.fallBehind();
            if (Integer.bitCount(legs.inSync()) > 1) {
                regions.setRange(op.first, op.last, Regions.UNEQUAL);
            }
            if (legs.syncing() != 0) {
                regions.setRange(op.first, op.last, Regions.LACKING);
            }
            soon(resync::kick);
        }
        left(op);
        complete(op, op.failure == BlockStatus.OK ? BlockStatus.IO_ERROR : op.failure);
    }

    private void flushed(MirrorRequest op) {
        if ((op.done & legs.inSync()) != 0 && op.failure != BlockStatus.CANCELLED) {
            legs.failAll(op.failed & ~op.away(legs), "a flush of it failed");
            if (op.failed == 0 && Integer.bitCount(legs.inSync()) == legs.size()) {
                goodFlush = Math.max(goodFlush, op.number);
            }
            acknowledge(op);
        } else {
            complete(op, op.failure == BlockStatus.OK ? BlockStatus.IO_ERROR : op.failure);
        }
    }

    /** Ends a change or a flush as soon as no header calls a leg in sync that does not have it. */
    void acknowledge(MirrorRequest op) {
        boolean change = !op.isFlush();
        int lacking = recorder.mayBeInSync() & ~op.done;
        if (!change) {
            // One that was away then was flushed itself before it was called in sync again, with
            // all that had ended by then. No change outlasts that: its region is not copied before.
            lacking &= ~(legs.inSync() & op.away(legs));
        }
        if (!recorder.isLost() && lacking != 0) {
            recorder.await(op);
            return;
        }
        if (change) {
            left(op);
        }
        complete(op, recorder.isLost() ? BlockStatus.IO_ERROR : BlockStatus.OK);
    }

    private void left(MirrorRequest op) {
        regions.leave(op.first, op.last, flushes);
        underWay.leave(op);
        if (!behind.isEmpty()) {
            ready.takeAll(behind);
            wake();
        }
        copier.changesEnded();
        watch.changed();
    }

    /** Has a request begin anew in the next turn. */
    void again(MirrorRequest op) {
        ready.add(op);
        wake();
    }

    /** Ends a request. */
    void complete(MirrorRequest op, BlockStatus status) {
        spare.add(op);
        if (op.isOwn()) {
            watch.flushed();
            return;
        }
        BlockRequest client = op.client();
        inFlight--;
        meter.count(client, status);
        client.complete(status);
    }

    /** What is known of the legs is durable. */
    void recorded() {
        if (!started) {
            intent.writeAll(this::start);
        }
        watch.changed();
    }

    private void start() {
        if (started) {
            return;
        }
        started = true;
        for (int i = 0; i < regions.count(); i++) {
            if (regions.has(i, Regions.BIT)) {
                regions.set(i, Regions.DURABLE);
            }
        }
        ready.takeAll(beforeStart);
        watch.changed();
        resync.kick();
        wake();
    }

    /** No change can be acknowledged any more. */
    void lost(String what) {
        legs.tell("mirror %s takes no changes: %s".formatted(recorder.durable().set(), what));
        started = true;
        ready.takeAll(beforeStart);
        wake();
    }

    /** Whether a change of a region has waited for the end of a copy, and not begun yet. */
    boolean isAwaited(int region) {
        return waitForCopies.reach(region);
    }

    /** A region can be changed again. */
    void unlocked() {
        ready.takeAll(blocked);
        wake();
    }

    @Override
    public void cancel(int tag) {
        // It is on its way to the legs, and ends soon enough.
    }

    @Override
    public int poll() {
        int work = 0;
        for (int i = 0; i < legs.size(); i++) {
            LegQueue here = legs.get(i).queue;
            work += here == null ? 0 : here.poll();
        }
        work += watch.pollRetired();
        var now = new Fifo<MirrorRequest>();
        now.takeAll(ready);
        for (MirrorRequest op = now.poll(); op != null; op = now.poll()) {
            begin(op);
            work++;
        }
        for (int left = tasks.size(); left > 0; left--) {
            tasks.remove().run();
            work++;
        }
        return work + closing.poll();
    }

    @Override
    public void onReady(Runnable newWake) {
        wake = newWake;
    }

    @Override
    public boolean arm() {
        if (!ready.isEmpty() || !tasks.isEmpty()) {
            return false;
        }
        for (int i = 0; i < legs.size(); i++) {
            LegQueue here = legs.get(i).queue;
            if (here != null && !here.arm()) {
                disarm(i);
                return false;
            }
        }
        return true;
    }

    @Override
    public void disarm() {
        disarm(legs.size());
    }

    private void disarm(int count) {
        for (int i = 0; i < count; i++) {
            LegQueue here = legs.get(i).queue;
            if (here != null) {
                here.disarm();
            }
        }
    }

    @Override
    public void close(Runnable onClosed) {
        resync.stop();
        watch.stop();
        closing.begin(onClosed, readOnly);
        wake();
    }

    /** Whether nothing is under way. */
    boolean isQuiet() {
        return inFlight == 0
                && !intent.isBusy()
                && !recorder.isBusy()
                && !copier.isBusy()
                && tasks.isEmpty()
                && !watch.isBusy();
    }

    /** Gives memory back. */
    void release() {
        stalls.stop();
        recorder.close();
        intent.close();
        copier.close();
        watch.close();
    }
}
