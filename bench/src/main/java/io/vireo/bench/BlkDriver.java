package io.vireo.bench;

import static java.nio.ByteOrder.LITTLE_ENDIAN;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.VhostUserSession;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/**
 * A polling virtio-blk driver that keeps a number of requests in flight, VIRTIO 1.3 section 5.2. It
 * uses indirect descriptors and event indices where offered, as Linux does, and negotiates FLUSH,
 * without which a device would have to write through.
 */
final class BlkDriver extends DiskDriver {

    /** Where {@link Order#FRESH} requests lie: each in an allocation unit of its own. */
    static final int FRESH_STRIDE = 64 * 1024;

    private static final long F_FLUSH = 1L << 9;
    private static final int RING_SIZE = 128;
    private static final int SECTOR = 512;
    private static final int TYPE_IN = 0;
    private static final int TYPE_OUT = 1;
    private static final int TYPE_FLUSH = 4;
    private static final int STATUS_UNSET = 0xff;

    /** Descriptors of flushes lie behind those of the requests, two for each slot. */
    private static final int FLUSH_HEADS = 3 * RequestSlots.COUNT;

    private static final int FLUSH_DEPTH = (RING_SIZE - FLUSH_HEADS) / 2;

    /** What a request does. */
    enum Kind {
        READ,
        WRITE,
        /** A write, then a flush when it has ended; both together count as one. */
        WRITE_FLUSH
    }

    /** Where requests lie. */
    enum Order {
        RANDOM,
        SEQUENTIAL,
        /**
         * Each at the beginning of {@value #FRESH_STRIDE} bytes that none of them was in before.
         */
        FRESH
    }

    /** What to do: {@code size} bytes a request, {@code depth} in flight. */
    record Load(Kind kind, Order order, int size, int depth) {
        boolean writes() {
            return kind != Kind.READ;
        }

        /** As cases are called: {@code 4k-randread-qd32}. */
        String caseName() {
            var where =
                    switch (order) {
                        case RANDOM -> "rand";
                        case SEQUENTIAL -> "seq";
                        case FRESH -> "fresh";
                    };
            var what =
                    switch (kind) {
                        case READ -> "read";
                        case WRITE -> "write";
                        case WRITE_FLUSH -> "flush";
                    };
            return size / 1024 + "k-" + where + what + "-qd" + depth;
        }
    }

    private final long capacity;
    private final boolean indirect;

    /**
     * Connects.
     *
     * @param sleeps whether it waits for interrupts while there is nothing to do
     */
    BlkDriver(String name, Path socket, boolean sleeps) {
        super(name, socket, sleeps, F_FLUSH, 0, RING_SIZE);
        if ((session.features() & F_FLUSH) == 0) {
            throw new BenchException(name() + " does not offer FLUSH.");
        }
        indirect = (session.features() & VhostUserSession.INDIRECT_DESC) != 0;
        capacity =
                ByteBuffer.wrap(session.config(0, Long.BYTES)).order(LITTLE_ENDIAN).getLong()
                        * SECTOR;
    }

    @Override
    void prepare(Load load) {
        if (load.kind() == Kind.WRITE_FLUSH && load.depth() > FLUSH_DEPTH) {
            throw new BenchException(
                    "Flushes are measured with up to " + FLUSH_DEPTH + " at once.");
        }
        for (var slot = 0; slot < load.depth(); slot++) {
            var at = slots.request(slot);
            var buffer = slots.data(slot);
            var dataFlags = DriverQueue.NEXT | (load.writes() ? 0 : DriverQueue.WRITE);
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
            ForeignMemory.fill(slots.memory().host(buffer), load.size(), (byte) (slot + 1));
            if (load.kind() == Kind.WRITE_FLUSH) {
                prepareFlush(slot, at);
            }
        }
    }

    private void prepareFlush(int slot, long at) {
        var head = FLUSH_HEADS + 2 * slot;
        ForeignMemory.putInt(slots.host(slot) + 32, TYPE_FLUSH);
        ForeignMemory.putInt(slots.host(slot) + 36, 0);
        ForeignMemory.putLong(slots.host(slot) + 40, 0);
        if (indirect) {
            var table = at + 128;
            queue.entry(table, 0, at + 32, 16, DriverQueue.NEXT, 1);
            queue.entry(table, 1, at + 16, 1, DriverQueue.WRITE, 0);
            queue.descriptor(head, table, 32, DriverQueue.INDIRECT, 0);
        } else {
            queue.descriptor(head, at + 32, 16, DriverQueue.NEXT, head + 1);
            queue.descriptor(head + 1, at + 16, 1, DriverQueue.WRITE, 0);
        }
    }

    @Override
    void submit(Load load, int slot) {
        var header = slots.host(slot);
        ForeignMemory.putInt(header, load.writes() ? TYPE_OUT : TYPE_IN);
        ForeignMemory.putInt(header + 4, 0);
        ForeignMemory.putLong(header + 8, offset(load) / SECTOR);
        ForeignMemory.putByte(header + 16, (byte) STATUS_UNSET);
        queue.stage(3 * slot);
    }

    @Override
    int complete(Load load) {
        if (!queue.collect()) {
            return -1;
        }
        var head = queue.usedHead();
        var flushed = head >= FLUSH_HEADS;
        var slot = flushed ? (head - FLUSH_HEADS) / 2 : head / 3;
        var status = ForeignMemory.getByte(slots.host(slot) + 16);
        if (status != 0) {
            throw new BenchException(name() + " completed a request with status " + status + ".");
        }
        if (load.kind() == Kind.WRITE_FLUSH && !flushed) {
            ForeignMemory.putByte(slots.host(slot) + 16, (byte) STATUS_UNSET);
            queue.stage(FLUSH_HEADS + 2 * slot);
            return -1;
        }
        return slot;
    }

    @Override
    long capacity() {
        return capacity;
    }
}
