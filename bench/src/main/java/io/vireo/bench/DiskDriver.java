package io.vireo.bench;

import io.vireo.bench.BlkDriver.Kind;
import io.vireo.bench.BlkDriver.Load;
import io.vireo.bench.BlkDriver.Order;
import io.vireo.testkit.SplitDriverQueue;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.nio.file.Path;

/** A polling driver of a disk that keeps a number of requests in flight. */
abstract class DiskDriver implements AutoCloseable {
    private static final int CLOCK_INTERVAL = 64;
    private static final long STALL_NANOS = 20_000_000_000L;
    private static final long SCATTER = 0x9e3779b97f4a7c15L;

    /** Memory of the requests. */
    protected final RequestSlots slots = new RequestSlots();

    /** The device. */
    protected final VhostUserSession session;

    /** The queue that requests are in. */
    protected final SplitDriverQueue queue;

    private final Ring ring;
    private final Interrupts interrupts;
    private final String name;
    private final boolean sleeps;
    private long seed = 0x9e3779b97f4a7c15L;
    private long position;
    private long fresh;

    /**
     * Connects.
     *
     * @param sleeps whether it waits for interrupts while there is nothing to do
     * @param features those it wants beside the ones of any device
     * @param index of the queue that requests are in
     * @param size descriptors of that queue
     */
    DiskDriver(String name, Path socket, boolean sleeps, long features, int index, int size) {
        this.name = name;
        this.sleeps = sleeps;
        session = FrontEnds.open(socket, slots.memory(), features);
        ring = session.start(index, size);
        queue = (SplitDriverQueue) ring.queue();
        // We poll, or arm it where we sleep.
        queue.disarm();
        interrupts = new Interrupts(ring);
        slots.place();
    }

    final String name() {
        return name;
    }

    /** Bytes of the disk. */
    abstract long capacity();

    /** Readies the slots of a load; throws if it cannot be done. */
    abstract void prepare(Load load);

    /** Stages the next request of a slot. */
    abstract void submit(Load load, int slot);

    /** The slot that is free again; -1: none. */
    abstract int complete(Load load);

    /** Shows the device what was staged. */
    private void publish() {
        VhostUserSession.publish(ring);
    }

    @Override
    public final void close() {
        interrupts.close();
        session.close();
        slots.close();
    }

    /**
     * Requests a second over about {@code seconds}, after a short run-up. To be called on a pinned
     * thread.
     */
    double run(Load load, double seconds) {
        prepare(load);
        for (var slot = 0; slot < load.depth(); slot++) {
            submit(load, slot);
        }
        publish();
        circulate(load, System.nanoTime() + (long) (seconds * 1e9 / 8));
        var start = System.nanoTime();
        var completed = circulate(load, start + (long) (seconds * 1e9));
        var rate = completed * 1e9 / (System.nanoTime() - start);
        drain(load, load.depth());
        return rate;
    }

    /** Carries out so many requests, {@code load.depth()} at least. */
    void runCount(Load load, long count) {
        prepare(load);
        for (var slot = 0; slot < load.depth(); slot++) {
            submit(load, slot);
        }
        publish();
        for (var left = count - load.depth(); left > 0; ) {
            var slot = complete(load);
            if (slot >= 0) {
                submit(load, slot);
                left--;
                publish();
            } else {
                publish();
                idle();
            }
        }
        drain(load, load.depth());
    }

    /** Writes the whole disk once, so that no later read or write meets a hole. */
    void writeAll() {
        position = -RequestSlots.MAX_DATA;
        runCount(
                new Load(Kind.WRITE, Order.SEQUENTIAL, RequestSlots.MAX_DATA, RequestSlots.COUNT),
                capacity() / RequestSlots.MAX_DATA);
    }

    private long circulate(Load load, long until) {
        var completed = 0L;
        for (var turn = 1; turn % CLOCK_INTERVAL != 0 || System.nanoTime() < until; turn++) {
            var slot = complete(load);
            if (slot < 0) {
                // What follows a write that has ended.
                publish();
                idle();
            }
            for (; slot >= 0; slot = complete(load)) {
                submit(load, slot);
                completed++;
            }
            publish();
        }
        return completed;
    }

    /**
     * Nothing has ended. Where there is a disk, the kernel may want this core to complete what was
     * written to it, for which yielding is not enough: it waits for the interrupt, as a guest does.
     * Else reading an unchanged line over and over would slow down the core that is about to write
     * it.
     */
    private void idle() {
        if (sleeps) {
            interrupts.await();
        } else {
            Thread.onSpinWait();
        }
    }

    private void drain(Load load, int inFlight) {
        var deadline = System.nanoTime() + STALL_NANOS;
        for (var left = inFlight; left > 0; ) {
            if (complete(load) >= 0) {
                left--;
            } else if (System.nanoTime() > deadline) {
                throw new BenchException(name + " left " + left + " requests without an answer.");
            }
            // What follows a write that has ended.
            publish();
            idle();
        }
    }

    /** Where the next request lies. */
    final long offset(Load load) {
        return switch (load.order()) {
            case RANDOM -> {
                seed ^= seed << 13;
                seed ^= seed >>> 7;
                seed ^= seed << 17;
                yield Math.unsignedMultiplyHigh(seed, capacity() / load.size()) * load.size();
            }
            case SEQUENTIAL -> {
                position = position + 2L * load.size() > capacity() ? 0 : position + load.size();
                yield position;
            }
            case FRESH -> freshOffset();
        };
    }

    /** An odd factor makes a permutation of the numbers below a power of two. */
    private long freshOffset() {
        var units = Long.highestOneBit(capacity() / BlkDriver.FRESH_STRIDE);
        if (fresh == units) {
            throw new BenchException(
                    name + " has no room left that was never written: measure for a shorter time.");
        }
        return (fresh++ * SCATTER & units - 1) * BlkDriver.FRESH_STRIDE;
    }
}
