package io.vireo.device.virtio.blk;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockOperation;
import io.vireo.block.LatencyHistogram;
import io.vireo.device.VirtioDevice;
import io.vireo.reactor.Reactor;
import io.vireo.virtqueue.Virtqueue;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReferenceArray;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A virtio block device over a {@link BlockDevice}.
 *
 * <p>Caching (VIRTIO 1.3, 5.2.5 and 5.2.6.2): with VIRTIO_BLK_F_FLUSH and {@code writeback} 1 a
 * write may be lost in a crash until a FLUSH has ended. Where the driver did not take FLUSH, or set
 * {@code writeback} to 0, each write ends only when it is durable; that change itself makes durable
 * what was written before it. A front end that turned it off relies on that beyond resets of the
 * driver and restarts of the daemon: {@link WritebackRecord}. A driver with FLUSH and without
 * VIRTIO_BLK_F_CONFIG_WCE flushes by itself, whatever {@code writeback} is.
 */
public final class VirtioBlkDevice implements VirtioDevice {
    /** Data ranges of one request at most: what QEMU's usual queue of 128 entries has room for. */
    static final int SEG_MAX = 126;

    /** Segments of one DISCARD or WRITE_ZEROES at most. */
    static final int MAX_SEGMENTS = 16;

    /** What a disk that writes through does not offer: drivers see that there is no cache. */
    private static final long CACHE = BlkProtocol.F_FLUSH | BlkProtocol.F_CONFIG_WCE;

    private final String name;
    private final BlockDevice block;
    private final boolean readOnly;
    private final byte[] id;
    private final List<Reactor> reactors;

    /** Those that run; each entry belongs to the queue's reactor. */
    private final AtomicReferenceArray<@Nullable BlkQueue> running;

    private final Runnable geometryListener = this::geometryChanged;
    private final boolean discards;
    private final boolean zeroes;
    private final int maxDiscardSectors;
    private volatile BlockGeometry geometry;
    private volatile Runnable configChanged = () -> {};
    private volatile long negotiated;
    private final WritebackRecord record;
    private volatile boolean writeback;

    private final LatencyHistogram reads = new LatencyHistogram(System.nanoTime());
    private final LatencyHistogram writes = new LatencyHistogram(System.nanoTime());
    private final AtomicBoolean flushOwed = new AtomicBoolean();

    /**
     * A device that is not presented yet.
     *
     * @param name for logs
     * @param serial what GET_ID answers; at most 20 bytes
     * @param reactors the owner of each queue
     * @param record of what front ends make of {@code writeback}; is read
     */
    public VirtioBlkDevice(
            String name,
            BlockDevice block,
            boolean readOnly,
            String serial,
            List<Reactor> reactors,
            WritebackRecord record) {
        this.name = name;
        this.block = block;
        this.readOnly = readOnly || !block.operations().contains(BlockOperation.WRITE);
        this.reactors = List.copyOf(reactors);
        id = Arrays.copyOf(serial.getBytes(StandardCharsets.UTF_8), BlkProtocol.ID_BYTES);
        discards = block.operations().contains(BlockOperation.DISCARD);
        zeroes = block.operations().contains(BlockOperation.WRITE_ZEROES);
        this.record = record;
        writeback = !record.isOff();
        geometry = block.geometry();
        maxDiscardSectors = BlkConfigSpace.maxDiscardSectors(geometry);
        running = new AtomicReferenceArray<>(reactors.size());
        block.addGeometryListener(geometryListener);
    }

    /** Forgets the block device; no queue runs. */
    public void close() {
        block.removeGeometryListener(geometryListener);
    }

    @Override
    public int deviceType() {
        return BlkProtocol.DEVICE_TYPE;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long features() {
        long features =
                BlkProtocol.F_SEG_MAX
                        | BlkProtocol.F_BLK_SIZE
                        | BlkProtocol.F_TOPOLOGY
                        | BlkProtocol.F_MQ;
        if (!block.writeThrough()) {
            features |= CACHE;
        }
        if (readOnly) {
            return features | BlkProtocol.F_RO;
        }
        return features
                | (discards ? BlkProtocol.F_DISCARD : 0)
                | (zeroes ? BlkProtocol.F_WRITE_ZEROES : 0);
    }

    @Override
    public long formerFeatures() {
        return CACHE;
    }

    @Override
    public boolean completesInOrder() {
        return false;
    }

    @Override
    public int queueCount() {
        return reactors.size();
    }

    @Override
    public Reactor reactor(int index) {
        return reactors.get(index);
    }

    @Override
    public int configSize() {
        return BlkConfigSpace.SIZE;
    }

    @Override
    public void readConfig(int offset, byte[] destination, int length) {
        byte[] space =
                BlkConfigSpace.encode(
                        geometry,
                        reactors.size(),
                        SEG_MAX,
                        MAX_SEGMENTS,
                        writeback && !block.writeThrough());
        System.arraycopy(space, offset, destination, 0, length);
    }

    @Override
    public void writeConfig(
            int offset, byte[] source, int length, Consumer<@Nullable String> done) {
        if (offset != BlkConfigSpace.WRITEBACK || length != 1 || (source[0] & ~1) != 0) {
            done.accept(CONFIG_READ_ONLY);
        } else if (source[0] == 1) {
            writeback = true;
            // The front end has its answer before the record changes: dying in between is safe.
            done.accept(null);
            record.on();
        } else {
            if (writeback) {
                writeback = false;
                oweFlush();
            }
            recordOff(done);
        }
    }

    private void recordOff(Consumer<@Nullable String> done) {
        record.off(durable ->
                done.accept(
                        durable
                                ? null
                                : "the state directory has no room to record that the write cache"
                                        + " is off"));
    }

    /** Whether the write cache is off because a front end wants it so. */
    boolean turnedOff() {
        return !writeback;
    }

    /** How long reads took that ended well, from when they were popped. */
    LatencyHistogram reads() {
        return reads;
    }

    /** As {@link #reads}, of writes. */
    LatencyHistogram writes() {
        return writes;
    }

    /**
     * Requests that are being carried out, on all queues; from any thread, a little out of date.
     */
    int requestsInFlight() {
        int sum = 0;
        for (int i = 0; i < reactors.size(); i++) {
            BlkQueue queue = running.get(i);
            sum += queue == null ? 0 : queue.inFlight();
        }
        return sum;
    }

    /** Has the first queue that runs flush, or else the next one that starts. */
    private void oweFlush() {
        flushOwed.set(true);
        for (int i = 0; i < reactors.size(); i++) {
            int index = i;
            reactors.get(i).execute(() -> payFlush(index));
        }
    }

    private void payFlush(int index) {
        BlkQueue queue = running.get(index);
        if (queue != null && flushOwed.compareAndSet(true, false)) {
            queue.flush();
        }
    }

    @Override
    public void onConfigChange(Runnable changed) {
        configChanged = changed;
    }

    private void geometryChanged() {
        geometry = block.geometry();
        configChanged.run();
    }

    @Override
    public void negotiated(long features) {
        negotiated = features;
    }

    @Override
    public void startQueue(int index, Virtqueue queue) {
        Reactor reactor = reactors.get(index);
        try {
            running.set(index, new BlkQueue(this, reactor, queue, block.open(reactor)));
            payFlush(index);
        } catch (UncheckedIOException e) {
            queue.fail("the host cannot open the disk: " + e.getMessage());
        }
    }

    @Override
    public void stopQueue(int index, Runnable onDrained) {
        BlkQueue queue = running.get(index);
        if (queue == null) {
            onDrained.run();
            return;
        }
        queue.stop(() -> {
            running.set(index, null);
            onDrained.run();
        });
    }

    @Override
    public void reset(Runnable onDone) {
        negotiated = 0;
        onDone.run();
    }

    int maxDiscardSectors() {
        return maxDiscardSectors;
    }

    BlockGeometry geometry() {
        return geometry;
    }

    boolean readOnly() {
        return readOnly;
    }

    boolean discards() {
        return discards;
    }

    boolean zeroes() {
        return zeroes;
    }

    /** The string of GET_ID, filled up with zeroes. */
    byte[] id() {
        return id;
    }

    /** Whether a write ends only when it is durable. */
    boolean writeThrough() {
        long taken = negotiated;
        return (taken & BlkProtocol.F_FLUSH) == 0
                || (!writeback && (taken & BlkProtocol.F_CONFIG_WCE) != 0);
    }
}
