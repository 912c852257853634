package io.vireo.bench;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.SplitDriverQueue;
import io.vireo.testkit.VhostUserSession;
import io.vireo.testkit.VhostUserSession.Ring;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * A polling virtio-blk driver that keeps a number of requests in flight, VIRTIO 1.3 section 5.2. It
 * uses indirect descriptors and event indices where offered, as Linux does, and negotiates FLUSH,
 * without which a device would have to write through.
 */
final class BlkDriver implements AutoCloseable {
    static final int MAX_DEPTH = 32;
    static final int MAX_REQUEST = 128 * 1024;

    private static final long F_FLUSH = 1L << 9;
    private static final int RING_SIZE = 128;
    private static final int SECTOR = 512;
    private static final int TYPE_IN = 0;
    private static final int TYPE_OUT = 1;
    private static final int STATUS_UNSET = 0xff;
    private static final int SLOT = 4096;

    /** More than the ring takes up. */
    private static final int RING_BYTES = 16 * 1024;

    private static final int CLOCK_INTERVAL = 64;
    private static final long STALL_NANOS = 20_000_000_000L;

    /** What to do: {@code size} bytes a request, {@code depth} in flight. */
    record Load(boolean write, boolean random, int size, int depth) {}

    private final String name;
    private final DriverMemory memory;
    private final VhostUserSession session;
    private final Ring ring;
    private final SplitDriverQueue queue;
    private final boolean indirect;
    private final long slots;
    private final long data;
    private final long slotsHost;
    private final long capacity;
    private long seed = 0x9e3779b97f4a7c15L;
    private long position;

    BlkDriver(String name, Path socket) {
        this.name = name;
        memory = new DriverMemory(RING_BYTES + MAX_DEPTH * (long) (SLOT + MAX_REQUEST));
        session = FrontEnds.open(socket, memory, F_FLUSH);
        if ((session.features() & F_FLUSH) == 0) {
            throw new BenchException(name + " does not offer FLUSH.");
        }
        indirect = (session.features() & VhostUserSession.INDIRECT_DESC) != 0;
        capacity =
                ByteBuffer.wrap(session.config(0, Long.BYTES)).order(LITTLE_ENDIAN).getLong()
                        * SECTOR;
        ring = session.start(0, RING_SIZE);
        queue = (SplitDriverQueue) ring.queue();
        // We poll.
        queue.disarm();
        slots = memory.allocate((long) MAX_DEPTH * SLOT, SLOT);
        data = memory.allocate((long) MAX_DEPTH * MAX_REQUEST, SLOT);
        slotsHost = memory.host(slots);
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
        VhostUserSession.publish(ring);
        circulate(load, System.nanoTime() + (long) (seconds * 1e9 / 8));
        var start = System.nanoTime();
        var completed = circulate(load, start + (long) (seconds * 1e9));
        var rate = completed * 1e9 / (System.nanoTime() - start);
        drain(load.depth());
        return rate;
    }

    /** Writes the whole disk once, so that no later read or write meets a hole. */
    void writeAll() {
        var load = new Load(true, false, MAX_REQUEST, MAX_DEPTH);
        prepare(load);
        position = 0;
        var left = capacity / MAX_REQUEST;
        var inFlight = 0;
        for (; inFlight < load.depth() && left > 0; inFlight++, left--) {
            submit(load, inFlight);
        }
        VhostUserSession.publish(ring);
        while (inFlight > 0) {
            var slot = complete();
            if (slot >= 0 && left > 0) {
                submit(load, slot);
                left--;
                VhostUserSession.publish(ring);
            } else if (slot >= 0) {
                inFlight--;
            }
        }
    }

    private long circulate(Load load, long until) {
        var completed = 0L;
        for (var turn = 1; turn % CLOCK_INTERVAL != 0 || System.nanoTime() < until; turn++) {
            var slot = complete();
            if (slot < 0) {
                // Reading an unchanged line over and over would slow down the core that is about to
                // write it.
                Thread.onSpinWait();
            }
            for (; slot >= 0; slot = complete()) {
                submit(load, slot);
                completed++;
            }
            VhostUserSession.publish(ring);
        }
        return completed;
    }

    private void drain(int inFlight) {
        var deadline = System.nanoTime() + STALL_NANOS;
        for (var left = inFlight; left > 0; ) {
            if (complete() >= 0) {
                left--;
            } else if (System.nanoTime() > deadline) {
                throw new BenchException(name + " left " + left + " requests without an answer.");
            }
        }
    }

    private void prepare(Load load) {
        for (var slot = 0; slot < load.depth(); slot++) {
            var at = slots + (long) slot * SLOT;
            var buffer = data + (long) slot * MAX_REQUEST;
            var dataFlags = DriverQueue.NEXT | (load.write() ? 0 : DriverQueue.WRITE);
            if (indirect) {
                var table = at + 64;
                queue.entry(table, 0, at, 16, DriverQueue.NEXT, 1);
                queue.entry(table, 1, buffer, load.size(), dataFlags, 2);
                queue.entry(table, 2, at + 16, 1, DriverQueue.WRITE, 0);
                queue.descriptor(3 * slot, table, 48, DriverQueue.INDIRECT, 0);
            } else {
                queue.descriptor(3 * slot, at, 16, DriverQueue.NEXT, 3 * slot + 1);
                queue.descriptor(3 * slot + 1, buffer, load.size(), dataFlags, 3 * slot + 2);
                queue.descriptor(3 * slot + 2, at + 16, 1, DriverQueue.WRITE, 0);
            }
            ForeignMemory.fill(memory.host(buffer), load.size(), (byte) (slot + 1));
        }
    }

    private void submit(Load load, int slot) {
        var header = slotsHost + (long) slot * SLOT;
        ForeignMemory.putInt(header, load.write() ? TYPE_OUT : TYPE_IN);
        ForeignMemory.putInt(header + 4, 0);
        ForeignMemory.putLong(header + 8, offset(load) / SECTOR);
        ForeignMemory.putByte(header + 16, (byte) STATUS_UNSET);
        queue.stage(3 * slot);
    }

    private long offset(Load load) {
        var blocks = capacity / load.size();
        if (load.random()) {
            seed ^= seed << 13;
            seed ^= seed >>> 7;
            seed ^= seed << 17;
            return Math.unsignedMultiplyHigh(seed, blocks) * load.size();
        }
        position = position + load.size() >= blocks * load.size() ? 0 : position + load.size();
        return position;
    }

    private int complete() {
        if (!queue.collect()) {
            return -1;
        }
        var slot = queue.usedHead() / 3;
        var status = ForeignMemory.getByte(slotsHost + (long) slot * SLOT + 16);
        if (status != 0) {
            throw new BenchException(name + " completed a request with status " + status + ".");
        }
        return slot;
    }

    @Override
    public void close() {
        session.close();
        memory.close();
    }
}
