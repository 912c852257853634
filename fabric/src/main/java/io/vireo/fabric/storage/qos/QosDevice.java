package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockMeters;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRates;
import io.vireo.block.CacheModeListener;
import io.vireo.reactor.Reactor;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * A device whose requests wait for the rates of a vDisk and for their turn in the pool. What is
 * behind it can be {@link #change}d under its front ends, and it can {@link #writeThrough(boolean,
 * Reactor) write through}.
 */
public final class QosDevice implements BlockDevice {
    private final LongSupplier nanoTime;

    /** Requests that were cancelled here: the device never saw them. */
    private final BlockMeters cancelled = new BlockMeters();

    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final List<CacheModeListener> cacheModeListeners = new CopyOnWriteArrayList<>();

    // Guarded by this.
    private final List<QosChannel> channels = new ArrayList<>();
    private BlockCounters before = BlockCounters.ZERO;
    private BlockCounters base = BlockCounters.ZERO;
    private Optional<BlockDevice> leaving = Optional.empty();
    private BlockCounters leavingBase = BlockCounters.ZERO;
    private VdiskQos vdisk;

    /** The change that was asked for last: one begins when the one before has ended. */
    private CompletableFuture<Boolean> changing = CompletableFuture.completedFuture(true);

    private volatile BlockDevice device;

    /** Whether writes that are handed on from now on end only when they are durable. */
    private volatile boolean durable;

    /** Whether those that were handed on before do so, too, by now. */
    private volatile boolean writeThrough;

    QosDevice(BlockDevice device, VdiskQos vdisk, LongSupplier nanoTime) {
        this.device = device;
        this.vdisk = vdisk;
        this.nanoTime = nanoTime;
    }

    /**
     * Goes over to another device of the same size, and to other rates. Requests are held for as
     * long as those that are under way take; none fails. Any thread.
     *
     * @return done when nothing uses the present device any more; false if the host refused some
     *     channel its place in the new one: such a channel stays with the present device, and the
     *     same change can be asked for again
     */
    public CompletableFuture<Boolean> change(BlockDevice next, VdiskQos rates) {
        return after(() -> goOver(next, rates));
    }

    /**
     * Has every write end only when it is durable, or not. Before {@link #writeThrough()} becomes
     * true all writes that were under way have ended, held for that as by {@link #change}, and are
     * flushed; before writes may end sooner again it is false, and the listeners have taken it. Any
     * thread.
     *
     * @param reactor where it is flushed, if the device has no home
     * @return done when that is so; false if it could not be flushed: writes are durable from then
     *     on, what was written before may not be, and the same can be asked for again
     */
    public CompletableFuture<Boolean> writeThrough(boolean on, Reactor reactor) {
        return after(() -> on ? settleWrites(reactor) : endWriteThrough());
    }

    private synchronized CompletableFuture<Boolean> after(
            Supplier<CompletableFuture<Boolean>> change) {
        changing = changing.handle((_, _) -> true).thenCompose(_ -> change.get());
        return changing;
    }

    private CompletableFuture<Boolean> settleWrites(Reactor reactor) {
        durable = true;
        return goOver(device, rates())
                .thenCompose(over ->
                        over
                                ? Flush.run(device, device.home().orElse(reactor))
                                : CompletableFuture.completedFuture(false))
                .thenApply(this::tellWriteThrough);
    }

    private boolean tellWriteThrough(boolean flushed) {
        if (flushed && !writeThrough) {
            writeThrough = true;
            // Nobody has to wait until it is taken: writes are durable already.
            cacheModeListeners.forEach(each -> each.changed(() -> {}));
        }
        return flushed;
    }

    private CompletableFuture<Boolean> endWriteThrough() {
        List<CompletableFuture<Boolean>> taken = new ArrayList<>();
        if (writeThrough) {
            writeThrough = false;
            for (CacheModeListener listener : cacheModeListeners) {
                var one = new CompletableFuture<Boolean>();
                taken.add(one);
                listener.changed(() -> one.complete(true));
            }
        }
        return CompletableFuture.allOf(taken.toArray(CompletableFuture<?>[]::new))
                .thenApply(_ -> {
                    durable = false;
                    return true;
                });
    }

    private synchronized VdiskQos rates() {
        return vdisk;
    }

    /** Whether a write that is handed on now has to end only when it is durable. */
    boolean durable() {
        return durable;
    }

    private CompletableFuture<Boolean> goOver(BlockDevice next, VdiskQos rates) {
        List<QosChannel> open;
        int kept = device.geometry().atomicWriteSize();
        synchronized (this) {
            if (device != next) {
                leave(next);
            }
            vdisk = rates;
            open = List.copyOf(channels);
        }
        if (next.geometry().atomicWriteSize() != kept) {
            listeners.forEach(Runnable::run);
        }
        var done = new CompletableFuture<Boolean>();
        var left = new AtomicInteger(open.size() + 1);
        var refused = new AtomicInteger();
        Runnable over =
                () -> {
                    if (left.decrementAndGet() == 0) {
                        if (refused.get() == 0) {
                            settle();
                        }
                        done.complete(refused.get() == 0);
                    }
                };
        for (QosChannel channel : open) {
            channel.reactor()
                    .execute(() -> {
                        if (!channel.changeOver(next, rates, over)) {
                            refused.incrementAndGet();
                            over.run();
                        }
                    });
        }
        over.run();
        return done;
    }

    private void leave(BlockDevice next) {
        BlockDevice old = device;
        before = done();
        base = next.counters();
        leaving = Optional.of(old);
        leavingBase = old.counters();
        device = next;
        listeners.forEach(next::addGeometryListener);
        listeners.forEach(old::removeGeometryListener);
    }

    private synchronized void settle() {
        before = done().minus(device.counters().minus(base));
        leaving = Optional.empty();
    }

    /** What was done by whatever was behind this. */
    private BlockCounters done() {
        BlockCounters sum = before.plus(device.counters().minus(base));
        return leaving.map(old -> sum.plus(old.counters().minus(leavingBase))).orElse(sum);
    }

    @Override
    public BlockGeometry geometry() {
        return device.geometry();
    }

    @Override
    public Set<BlockOperation> operations() {
        return device.operations();
    }

    @Override
    public Optional<Reactor> home() {
        return device.home();
    }

    @Override
    public synchronized BlockChannel open(Reactor reactor) {
        var channel =
                new QosChannel(
                        this,
                        device.open(reactor),
                        vdisk,
                        vdisk.pool().lane(reactor),
                        reactor,
                        nanoTime,
                        cancelled,
                        this::closed);
        vdisk.opened(channel);
        channels.add(channel);
        return channel;
    }

    private synchronized void closed(QosChannel channel) {
        channels.remove(channel);
    }

    @Override
    public synchronized BlockCounters counters() {
        return done().plus(cancelled.total());
    }

    @Override
    public boolean writeThrough() {
        return writeThrough;
    }

    @Override
    public void addCacheModeListener(CacheModeListener listener) {
        cacheModeListeners.add(listener);
    }

    @Override
    public void removeCacheModeListener(CacheModeListener listener) {
        cacheModeListeners.remove(listener);
    }

    @Override
    public void addUser(BlockRates user) {
        if (user instanceof UserRates known) {
            rates().users().add(known);
        } else {
            BlockDevice.super.addUser(user);
        }
    }

    @Override
    public void removeUser(BlockRates user) {
        if (user instanceof UserRates known) {
            rates().users().remove(known);
        }
    }

    @Override
    public void addGeometryListener(Runnable changed) {
        listeners.add(changed);
        device.addGeometryListener(changed);
    }

    @Override
    public void removeGeometryListener(Runnable changed) {
        listeners.remove(changed);
        device.removeGeometryListener(changed);
    }
}
