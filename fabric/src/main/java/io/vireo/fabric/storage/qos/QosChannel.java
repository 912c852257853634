package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockMeters;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRates;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A channel whose requests wait for the rates of their vDisk and their turn in the pool. It holds
 * the front end's own requests and hands them on as they are: what has passed costs nothing any
 * more, and where no policy is in force it costs one look.
 *
 * <p>It takes no more than the channel behind it would. While users have something reserved it
 * holds as many for each of them, and for all others together, beside those that are being carried
 * out: what is beyond that waits in the guest's ring. FLUSH does not wait. A front end that stops
 * ({@link #drain}) gets its requests done at once.
 */
final class QosChannel implements BlockChannel {
    private static final System.Logger LOG = System.getLogger(QosChannel.class.getName());

    private final QosDevice device;
    private final Reactor reactor;
    private final LongSupplier nanoTime;
    private final BlockMeters meters;
    private final Consumer<QosChannel> whenGone;
    private final BlockMeter meter = new BlockMeter();
    private final Runnable timerRan = this::timerRan;

    // Others after a change of the device.
    private BlockChannel inner;
    private VdiskQos vdisk;
    private Lane lane;
    private Flows flows;

    private Runnable wake = () -> {};
    private @Nullable Timer timer;
    private @Nullable Runnable onClosed;
    private boolean draining;
    private boolean innerClosing;
    private boolean gone;

    /** Told when nothing uses the device any more that is being left. */
    private @Nullable Runnable leaving;

    /** For other threads, a little out of date. */
    private int waiting;

    QosChannel(
            QosDevice device,
            BlockChannel inner,
            VdiskQos vdisk,
            Lane lane,
            Reactor reactor,
            LongSupplier nanoTime,
            BlockMeters meters,
            Consumer<QosChannel> whenGone) {
        this.device = device;
        this.inner = inner;
        this.vdisk = vdisk;
        this.lane = lane;
        this.reactor = reactor;
        this.nanoTime = nanoTime;
        this.meters = meters;
        this.whenGone = whenGone;
        meters.add(meter);
        flows = flows(vdisk, lane);
    }

    private Flows flows(VdiskQos of, Lane on) {
        return new Flows(of, on, () -> wake.run(), () -> inner.free());
    }

    /** Requests that wait; from any thread, a little out of date. */
    int waiting() {
        return waiting;
    }

    Reactor reactor() {
        return reactor;
    }

    /**
     * Goes over to another device: requests wait until those of the present one have ended.
     *
     * @param rates those that it keeps to afterwards
     * @param whenOver runs when nothing uses the present device any more
     * @return false: the host refuses, and nothing has changed
     */
    boolean changeOver(BlockDevice device, VdiskQos rates, Runnable whenOver) {
        if (innerClosing) {
            leaving = whenOver;
            return true;
        }
        if (gone) {
            whenOver.run();
            return true;
        }
        BlockChannel next;
        try {
            next = device.open(reactor);
        } catch (RuntimeException e) {
            LOG.log(System.Logger.Level.WARNING, "a disk cannot be opened", e);
            return false;
        }
        cancelTimer();
        obey(rates);
        leaving = whenOver;
        var over = new Changeover(inner, next, () -> begin(next));
        inner = over;
        over.goOn();
        wake.run();
        return true;
    }

    private void begin(BlockChannel next) {
        inner = next;
        next.onReady(wake);
        if (draining) {
            next.drain();
        }
        left();
        wake.run();
    }

    private void left() {
        Runnable told = leaving;
        leaving = null;
        if (told != null) {
            told.run();
        }
    }

    private void obey(VdiskQos rates) {
        if (rates == vdisk) {
            return;
        }
        Lane newLane = rates.pool().lane(reactor);
        var newFlows = flows(rates, newLane);
        flows.moveTo(newFlows);
        vdisk.closed(this);
        rates.opened(this);
        vdisk = rates;
        lane = newLane;
        flows = newFlows;
    }

    /** Other settings are in force. Any thread. */
    void lookAgain() {
        reactor.execute(() -> wake.run());
    }

    @Override
    public long mapped(long offset, long length) {
        return inner.mapped(offset, length);
    }

    @Override
    public int free() {
        return free(flows.common());
    }

    @Override
    public int free(BlockRates user) {
        return free(flows.of(user));
    }

    private int free(Flow flow) {
        int places = inner.free();
        if (flows.divided()) {
            places += inner.inFlight();
        }
        return Math.max(0, places - flow.count());
    }

    @Override
    public void submit(BlockRequest request) {
        if (!vdisk.inForce() && inner.free() > 0 && flows.count() == 0) {
            handOn(request);
            return;
        }
        long now = nanoTime.getAsLong();
        Flow flow = flows.of(request.user());
        if (request.operation() == BlockOperation.FLUSH) {
            lane.unasked(flow, request, now);
            if (inner.free() > 0) {
                inner.submit(request);
                return;
            }
            flow.addGranted(request, now);
            waiting = flows.count();
            return;
        }
        flow.add(request, now);
        if (draining) {
            passAll(now);
            return;
        }
        lane.join(flow);
        lane.dispatch(now);
        pass();
        waiting = flows.count();
    }

    @Override
    public void cancel(int tag) {
        BlockRequest request = flows.remove(tag);
        if (request == null) {
            inner.cancel(tag);
            return;
        }
        waiting = flows.count();
        meter.count(request, BlockStatus.CANCELLED);
        request.complete(BlockStatus.CANCELLED);
    }

    @Override
    public void cancelHeld(int tag) {
        inner.cancelHeld(tag);
    }

    @Override
    public int poll() {
        int work = 0;
        flows.settle();
        if (flows.count() > 0) {
            work = draining ? passAll(nanoTime.getAsLong()) : passGranted();
        }
        work += inner.poll();
        closeIfDrained();
        return work;
    }

    private int passGranted() {
        lane.dispatch(nanoTime.getAsLong());
        int passed = pass();
        waiting = flows.count();
        return passed;
    }

    private int pass() {
        int passed = 0;
        for (Flow flow = flows.granted();
                flow != null && inner.free() > 0;
                flow = flows.granted()) {
            // Taken before it is handed on: it may end at once, and the memory of its front end may
            // be gone.
            handOn(flow.take());
            passed++;
        }
        return passed;
    }

    /** What a write has to be when it ends is decided here: nobody behind makes less of it. */
    private void handOn(BlockRequest request) {
        if (device.durable() && isWrite(request.operation())) {
            request.forceUnitAccess(true);
        }
        inner.submit(request);
    }

    private static boolean isWrite(BlockOperation operation) {
        return operation == BlockOperation.WRITE || operation == BlockOperation.WRITE_ZEROES;
    }

    /** Whatever rates and turns say. */
    private int passAll(long now) {
        flows.grantAll(now);
        int passed = pass();
        waiting = flows.count();
        return passed;
    }

    @Override
    public int inFlight() {
        return flows.count() + inner.inFlight();
    }

    @Override
    public void onReady(Runnable newWake) {
        wake = newWake;
        inner.onReady(newWake);
    }

    @Override
    public boolean arm() {
        long opensIn = Long.MAX_VALUE;
        if (flows.count() > 0) {
            if (draining || (flows.granted() != null && inner.free() > 0)) {
                return inner.free() <= 0 && inner.arm();
            }
            if (inner.free() > 0) {
                opensIn = flows.opensIn(nanoTime.getAsLong());
            }
        }
        if (!inner.arm()) {
            return false;
        }
        if (opensIn != Long.MAX_VALUE && timer == null) {
            timer = reactor.schedule(opensIn, timerRan);
        }
        return true;
    }

    private void timerRan() {
        timer = null;
        wake.run();
    }

    @Override
    public void disarm() {
        cancelTimer();
        inner.disarm();
    }

    private void cancelTimer() {
        if (timer != null) {
            timer.cancel();
            timer = null;
        }
    }

    @Override
    public void drain() {
        draining = true;
        inner.drain();
        wake.run();
    }

    @Override
    public void hurry(int tag) {
        if (flows.hurry(tag, nanoTime.getAsLong())) {
            pass();
            waiting = flows.count();
        }
    }

    @Override
    public void close(Runnable whenClosed) {
        draining = true;
        onClosed = whenClosed;
        passAll(nanoTime.getAsLong());
        closeIfDrained();
    }

    private void closeIfDrained() {
        Runnable whenClosed = onClosed;
        if (whenClosed == null || innerClosing || inFlight() > 0) {
            return;
        }
        innerClosing = true;
        cancelTimer();
        flows.close();
        inner.close(() -> {
            meters.close(meter);
            vdisk.closed(this);
            gone = true;
            innerClosing = false;
            onClosed = null;
            whenGone.accept(this);
            left();
            whenClosed.run();
        });
    }
}
