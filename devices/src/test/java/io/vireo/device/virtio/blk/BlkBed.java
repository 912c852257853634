package io.vireo.device.virtio.blk;

import io.vireo.block.BlockDevice;
import io.vireo.linux.ForeignMemory;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.MemoryState;
import io.vireo.virtqueue.InflightRegion;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.VirtqueueConfig;
import io.vireo.virtqueue.VirtqueueException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A device with its queues running and a driver that talks to it, from the test's thread. */
final class BlkBed implements AutoCloseable {
    static final int QUEUE_SIZE = 64;
    static final long FEATURES =
            Virtqueue.VERSION_1
                    | Virtqueue.INDIRECT_DESC
                    | Virtqueue.EVENT_IDX
                    | BlkProtocol.F_FLUSH
                    | BlkProtocol.F_CONFIG_WCE;
    static final byte NOTHING = (byte) 0xEE;

    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);

    /** What outlives the device. */
    final MemoryState state = new MemoryState();

    final DriverMemory memory;
    final List<Reactor> reactors;
    final VirtioBlkDevice device;
    final DriverQueue[] driver;
    final Virtqueue[] queues;
    final List<String> failures = new CopyOnWriteArrayList<>();
    final long features;

    /** Where the driver's requests are: allocated anew for each. */
    private final long scratch;

    private final int scratchSize;
    private int scratchUsed;

    BlkBed(BlockDevice block) {
        this(block, false, 1, FEATURES);
    }

    BlkBed(BlockDevice block, boolean readOnly, int queueCount, long features) {
        this.features = features;
        memory = new DriverMemory(16 << 20);
        reactors = new ArrayList<>();
        for (int i = 0; i < queueCount; i++) {
            reactors.add(Reactor.start(new ReactorConfig("blk-" + i, -1, PollMode.ADAPTIVE)));
        }
        device = device(block, readOnly);
        device.negotiated(features);
        driver = new DriverQueue[queueCount];
        queues = new Virtqueue[queueCount];
        for (int i = 0; i < queueCount; i++) {
            driver[i] = DriverQueue.of(memory, QUEUE_SIZE, features);
            start(i, DriverQueue.base(QUEUE_SIZE, features, 0));
        }
        scratchSize = 8 << 20;
        scratch = memory.allocate(scratchSize, 4096);
    }

    /** A device as a daemon makes it when it starts. */
    VirtioBlkDevice device(BlockDevice block, boolean readOnly) {
        return new VirtioBlkDevice(
                "disk0",
                block,
                readOnly,
                "SERIAL-0123456789",
                reactors,
                new WritebackRecord(state, "1"));
    }

    /** The front end writes to the configuration space; false: that was refused. */
    static boolean configure(VirtioBlkDevice device, int offset, byte... value) {
        var told = new ArrayList<Boolean>();
        device.writeConfig(offset, value, value.length, failure -> told.add(failure == null));
        if (told.size() != 1) {
            throw new AssertionError("told " + told.size() + " times");
        }
        return told.getFirst();
    }

    /** The front end turns the write cache on or off. */
    boolean writeback(boolean on) {
        return configure(device, BlkConfigSpace.WRITEBACK, (byte) (on ? 1 : 0));
    }

    VirtqueueConfig config(int index, int base, Optional<InflightRegion> record) {
        return new VirtqueueConfig(
                index,
                QUEUE_SIZE,
                driver[index].addresses(),
                base,
                features,
                memory.table(),
                () -> {},
                record,
                (_, cause) -> failures.add(cause));
    }

    void start(int index, int base) {
        var config = config(index, base, Optional.empty());
        BlockClient.on(
                reactors.get(index),
                () -> {
                    try {
                        queues[index] = config.activate();
                    } catch (VirtqueueException e) {
                        throw new IllegalStateException(e);
                    }
                    device.startQueue(index, queues[index]);
                    return true;
                });
    }

    CompletableFuture<Boolean> stop(int index) {
        var drained = new CompletableFuture<Boolean>();
        reactors.get(index)
                .execute(() ->
                        device.stopQueue(
                                index,
                                () -> {
                                    if (!drained.complete(true)) {
                                        failures.add("drained twice");
                                    }
                                }));
        return drained;
    }

    /** Takes memory for a request; all of it is free again after {@link #forget}. */
    long take(int bytes) {
        int at = (scratchUsed + 15) & -16;
        scratchUsed = at + bytes;
        if (scratchUsed > scratchSize) {
            throw new IllegalStateException("too large a request");
        }
        return scratch + at;
    }

    void forget() {
        scratchUsed = 0;
    }

    void put(long guest, byte[] data) {
        ForeignMemory.copyFromArray(data, 0, memory.host(guest), data.length);
    }

    byte[] get(long guest, int length) {
        byte[] data = new byte[length];
        ForeignMemory.copyToArray(memory.host(guest), data, 0, length);
        return data;
    }

    long header(int type, long sector) {
        long at = take(BlkProtocol.HEADER);
        ForeignMemory.putInt(memory.host(at), type);
        ForeignMemory.putInt(memory.host(at) + 4, 0);
        ForeignMemory.putLong(memory.host(at) + 8, sector);
        return at;
    }

    /** A chain being put together. */
    final class Chain {
        final long[] addresses = new long[QUEUE_SIZE];
        final int[] lengths = new int[QUEUE_SIZE];
        int count;
        int readable;
        boolean indirect;

        Chain out(long at, int length) {
            addresses[count] = at;
            lengths[count++] = length;
            readable = count;
            return this;
        }

        Chain in(long at, int length) {
            addresses[count] = at;
            lengths[count++] = length;
            return this;
        }

        /** The pieces of a range, each of {@code piece} bytes at most. */
        Chain outPieces(long at, int length, int piece) {
            for (int done = 0; done < length; done += piece) {
                out(at + done, Math.min(piece, length - done));
            }
            return this;
        }

        Chain inPieces(long at, int length, int piece) {
            for (int done = 0; done < length; done += piece) {
                in(at + done, Math.min(piece, length - done));
            }
            return this;
        }

        Chain indirect() {
            indirect = true;
            return this;
        }

        int submit(int queue) {
            DriverQueue to = driver[queue];
            int head =
                    indirect
                            ? to.addIndirect(take(16 * count), addresses, lengths, count, readable)
                            : to.add(addresses, lengths, count, readable);
            if (to.publish()) {
                kick(queue);
            }
            return head;
        }
    }

    Chain chain() {
        return new Chain();
    }

    void kick(int queue) {
        reactors.get(queue).execute(() -> queues[queue].kick());
    }

    /** Waits for the next used buffer of a queue and returns its head. */
    int used(int queue) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        driver[queue].disarm();
        while (!driver[queue].poll()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("no answer; failures: " + failures);
            }
            LockSupport.parkNanos(10_000);
        }
        return driver[queue].usedHead();
    }

    /** A byte that the device has to write. */
    long statusByte() {
        long at = take(1);
        put(at, new byte[] {NOTHING});
        return at;
    }

    /** Sends a request in the usual framing and returns its status. */
    byte request(int type, long sector, byte[] out, long in, int inLength) {
        long header = header(type, sector);
        long data = take(out.length);
        put(data, out);
        Chain chain = chain().out(header, BlkProtocol.HEADER);
        if (out.length > 0) {
            chain.out(data, out.length);
        }
        if (inLength > 0) {
            chain.in(in, inLength);
        }
        return answer(chain);
    }

    /** Adds the status byte, submits, waits, and returns the status. */
    byte answer(Chain chain) {
        long status = statusByte();
        chain.in(status, 1).submit(0);
        used(0);
        return get(status, 1)[0];
    }

    byte write(long sector, byte[] data) {
        return request(BlkProtocol.T_OUT, sector, data, 0, 0);
    }

    byte[] read(long sector, int length) {
        long in = take(length);
        byte status = request(BlkProtocol.T_IN, sector, new byte[0], in, length);
        if (status != BlkProtocol.S_OK) {
            throw new AssertionError("read: status " + status);
        }
        return get(in, length);
    }

    @Override
    public void close() {
        for (int i = 0; i < queues.length; i++) {
            BlockClient.await(stop(i));
        }
        device.close();
        reactors.forEach(Reactor::close);
        memory.close();
    }

    /** A segment of DISCARD or WRITE ZEROES (VIRTIO 1.3, 5.2.6). */
    static byte[] segment(long sector, int sectors, int flags) {
        return ByteBuffer.allocate(16)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(sector)
                .putInt(sectors)
                .putInt(flags)
                .array();
    }

    /** Several of them. */
    static byte[] segments(byte[]... each) {
        ByteBuffer all = ByteBuffer.allocate(16 * each.length);
        for (byte[] segment : each) {
            all.put(segment);
        }
        return all.array();
    }
}
