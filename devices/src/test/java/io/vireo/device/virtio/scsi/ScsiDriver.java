package io.vireo.device.virtio.scsi;

import io.vireo.block.ExclusiveUse;
import io.vireo.device.scsi.ScsiUnits;
import io.vireo.device.virtio.FakePool;
import io.vireo.device.virtio.NoState;
import io.vireo.linux.ForeignMemory;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorGroup;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.virtqueue.ChainBatch;
import io.vireo.virtqueue.InflightRegion;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.VirtqueueConfig;
import io.vireo.virtqueue.VirtqueueException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** A device with its queues running, and a driver that talks to it from the test's thread. */
final class ScsiDriver implements AutoCloseable {
    static final int QUEUE_SIZE = 64;
    static final int BLOCK = 512;
    static final int REQUEST = 2;
    static final byte[] NOTHING = {};
    static final long FEATURES =
            Virtqueue.VERSION_1
                    | Virtqueue.INDIRECT_DESC
                    | Virtqueue.EVENT_IDX
                    | ScsiProtocol.F_INOUT
                    | ScsiProtocol.F_HOTPLUG
                    | ScsiProtocol.F_CHANGE;

    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(30);
    static final int RESPONSE = 12 + 96;

    /** What the device answered. */
    record Answer(int response, int status, long residual, byte[] sense, byte[] data) {
        int code() {
            return sense.length == 0
                    ? 0
                    : (sense[2] & 0xF) << 16 | (sense[12] & 0xFF) << 8 | sense[13] & 0xFF;
        }
    }

    final ReactorGroup reactors = ReactorGroup.start(List.of(-1, -1), PollMode.ADAPTIVE);
    final ScsiUnits units = new ScsiUnits(reactors, new NoState());
    final ScsiUnits.Hba hba = units.open("hba", 1, 2);
    final MemoryBlockDevice disk = new MemoryBlockDevice(1 << 20, BLOCK);
    final DriverMemory memory = new DriverMemory(16 << 20);
    final Reactor reactor = reactors.data().getFirst();
    final VirtioScsiDevice device;
    final DriverQueue[] driver = new DriverQueue[3];
    final Virtqueue[] queues = new Virtqueue[3];
    final List<String> failures = new CopyOnWriteArrayList<>();
    private long tag;

    ScsiDriver() {
        hba.map(List.of(lun(0)));
        device =
                new VirtioScsiDevice(
                        "hba",
                        hba.target(),
                        new ScsiInitiator.FibreChannel(1),
                        hba.port(),
                        reactor,
                        1);
        device.negotiated(FEATURES);
        for (int i = 0; i < driver.length; i++) {
            driver[i] = DriverQueue.of(memory, QUEUE_SIZE, FEATURES);
            start(i, DriverQueue.base(QUEUE_SIZE, FEATURES, 0));
        }
    }

    ScsiUnits.Lun lun(int number) {
        ExclusiveUse use = (_, _) -> () -> {};
        return new ScsiUnits.Lun(
                number, new ScsiUnits.Disk("disk", "uid", disk, use, new FakePool()), false);
    }

    private void start(int index, int base) {
        start(index, base, Optional.empty());
    }

    private void start(int index, int base, Optional<InflightRegion> record) {
        BlockClient.on(
                reactor,
                () -> {
                    queues[index] = activate(index, base, record);
                    device.startQueue(index, queues[index]);
                    return true;
                });
    }

    private Virtqueue activate(int index, int base, Optional<InflightRegion> record) {
        var config =
                new VirtqueueConfig(
                        index,
                        QUEUE_SIZE,
                        driver[index].addresses(),
                        base,
                        FEATURES,
                        memory.table(),
                        () -> {},
                        record,
                        (_, cause) -> failures.add(cause));
        try {
            return config.activate();
        } catch (VirtqueueException e) {
            throw new IllegalStateException(e);
        }
    }

    /**
     * Starts a queue that was stopped, as if another process had popped so many of the chains that
     * were submitted since, and died.
     */
    void recover(int index, int count) {
        int base = BlockClient.on(reactor, queues[index]::stop);
        long bytes = InflightRegion.size(1, QUEUE_SIZE, false);
        long at = memory.host(memory.allocate((int) bytes, 64));
        var region = InflightRegion.of(at, 0, QUEUE_SIZE, false);
        int popped =
                activate(index, base, Optional.of(region)).pop(new ChainBatch(QUEUE_SIZE), count);
        if (popped != count) {
            throw new AssertionError(popped + " chains were there");
        }
        start(index, base, Optional.of(region));
    }

    void stop(int index) {
        BlockClient.await(startStop(index));
    }

    /** Begins to stop a queue. */
    CompletableFuture<Boolean> startStop(int index) {
        var drained = new CompletableFuture<Boolean>();
        reactor.execute(() -> device.stopQueue(index, () -> drained.complete(true)));
        return drained;
    }

    /** Stops a queue, and starts it where it was. */
    void restart(int index) {
        stop(index);
        resume(index);
    }

    /** Starts a queue that was stopped where it was. */
    void resume(int index) {
        start(index, BlockClient.on(reactor, queues[index]::stop));
    }

    long put(byte[] data) {
        long at = memory.allocate(Math.max(1, data.length), 16);
        ForeignMemory.copyFromArray(data, 0, memory.host(at), data.length);
        return at;
    }

    byte[] get(long guest, int length) {
        byte[] data = new byte[length];
        ForeignMemory.copyToArray(memory.host(guest), data, 0, length);
        return data;
    }

    /** Submits what is readable and then what is writable, each in pieces of this size at most. */
    void submit(int queue, byte[] out, long in, int inLength, int piece) {
        long at = put(out);
        int pieces = (out.length + piece - 1) / piece + (inLength + piece - 1) / piece;
        long[] addresses = new long[pieces];
        int[] lengths = new int[pieces];
        int count = 0;
        for (int done = 0; done < out.length; done += piece) {
            addresses[count] = at + done;
            lengths[count++] = Math.min(piece, out.length - done);
        }
        int readable = count;
        for (int done = 0; done < inLength; done += piece) {
            addresses[count] = in + done;
            lengths[count++] = Math.min(piece, inLength - done);
        }
        driver[queue].add(addresses, lengths, count, readable);
        driver[queue].publish();
        kick(queue);
    }

    void kick(int queue) {
        reactor.execute(() -> queues[queue].kick());
    }

    boolean poll(int queue) {
        return driver[queue].poll();
    }

    void used(int queue) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        driver[queue].disarm();
        while (!driver[queue].poll()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("no answer; failures: " + failures);
            }
            LockSupport.parkNanos(10_000);
        }
    }

    static byte[] request(String lun, long tag, String cdb, byte[] data) {
        byte[] request = new byte[19 + 32 + data.length];
        HexFormat hex = HexFormat.of();
        System.arraycopy(hex.parseHex(lun), 0, request, 0, 8);
        for (int i = 0; i < 8; i++) {
            request[8 + i] = (byte) (tag >>> 8 * i);
        }
        byte[] bytes = hex.parseHex(cdb.replace(" ", ""));
        System.arraycopy(bytes, 0, request, 19, bytes.length);
        System.arraycopy(data, 0, request, 51, data.length);
        return request;
    }

    /** Starts a request; {@link #answer} gets what came of it. */
    long start(String lun, String cdb, byte[] out, int room, int piece) {
        long in = memory.allocate(RESPONSE + Math.max(1, room), 16);
        ForeignMemory.fill(memory.host(in), RESPONSE + room, (byte) 0xEE);
        submit(REQUEST, request(lun, ++tag, cdb, out), in, RESPONSE + room, piece);
        return in;
    }

    long lastTag() {
        return tag;
    }

    Answer answer(long in, int room) {
        byte[] bytes = get(in, RESPONSE + room);
        int sense = bytes[0] & 0xFF;
        long residual =
                bytes[4] & 0xFFL
                        | (bytes[5] & 0xFFL) << 8
                        | (bytes[6] & 0xFFL) << 16
                        | (bytes[7] & 0xFFL) << 24;
        return new Answer(
                bytes[11],
                bytes[10],
                residual,
                Arrays.copyOfRange(bytes, 12, 12 + sense),
                Arrays.copyOfRange(bytes, RESPONSE, RESPONSE + room));
    }

    Answer run(String lun, String cdb, byte[] out, int room, int piece) {
        long in = start(lun, cdb, out, room, piece);
        used(REQUEST);
        return answer(in, room);
    }

    /** With data elsewhere: so much of Data-Out, or so much of Data-In. */
    Answer run(String lun, String cdb, long data, int out, int room) {
        long header = put(request(lun, ++tag, cdb, NOTHING));
        long response = memory.allocate(RESPONSE, 16);
        long[] addresses = {header, out > 0 ? data : response, out > 0 ? response : data};
        int[] lengths = {51, out > 0 ? out : RESPONSE, out > 0 ? RESPONSE : room};
        driver[REQUEST].add(addresses, lengths, 3, out > 0 ? 2 : 1);
        driver[REQUEST].publish();
        kick(REQUEST);
        used(REQUEST);
        Answer answer = answer(response, 0);
        memory.release(header);
        return answer;
    }

    Answer run(String cdb, byte[] out, int room) {
        return run("0100000000000000", cdb, out, room, 4096);
    }

    /** Takes the unit attentions away. */
    ScsiDriver ready() {
        while (run("000000000000", new byte[0], 0).code() >> 16 == 6) {
            // Each is told once.
        }
        return this;
    }

    /** A request on the control queue; returns the bytes written. */
    byte[] control(String request, int room) {
        long in = memory.allocate(room, 16);
        submit(0, HexFormat.of().parseHex(request.replace(" ", "")), in, room, 7);
        used(0);
        return get(in, room);
    }

    /** The front end writes to the configuration space; false: that was refused. */
    boolean configure(int offset, int... bytes) {
        byte[] value = new byte[bytes.length];
        for (int i = 0; i < bytes.length; i++) {
            value[i] = (byte) bytes[i];
        }
        var told = new ArrayList<Boolean>();
        device.writeConfig(offset, value, value.length, failure -> told.add(failure == null));
        return told.getFirst();
    }

    @Override
    public void close() {
        disk.release();
        for (int i = 0; i < queues.length; i++) {
            stop(i);
        }
        var closed = new CompletableFuture<Boolean>();
        device.reset(() -> hba.close(() -> closed.complete(true)));
        BlockClient.await(closed);
        reactors.close();
        disk.close();
        memory.close();
    }
}
