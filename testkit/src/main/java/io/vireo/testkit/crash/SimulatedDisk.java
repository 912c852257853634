package io.vireo.testkit.crash;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.linux.ForeignMemory;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.DiskLog.Io;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A disk with a volatile cache whose every change is logged. Reads see the cache. Requests end out
 * of order and late, as the seed says; a calm disk ends each in the next poll.
 *
 * <p>A write takes effect when it ends: until then a read gives the old bytes, and a crash may find
 * the new. The data is taken at submission, and must not be changed until the end.
 */
public final class SimulatedDisk implements BlockDevice {
    private static final int DEPTH = 64;
    private static final byte[] NO_DATA = {};

    private final int number;
    private final DiskLog log;
    private final DiskImage contents;
    private final Random random;
    private final boolean calm;
    private final int logicalBlock;
    private final List<Runnable> listeners = new ArrayList<>();
    private final BlockMeter meter = new BlockMeter();
    private DiskImage stale;
    private volatile Function<BlockRequest, DiskFault> faults = _ -> DiskFault.NONE;
    private boolean logging = true;
    private volatile boolean gone;
    private volatile boolean stalled = true;
    private boolean discardsKeepData;
    private boolean unstable;
    private int physicalBlock = DiskLog.SECTOR;

    /**
     * @param number of the disk in its log
     * @param contents that it has, and changes
     * @param calm whether requests end at once and in order
     */
    public SimulatedDisk(int number, DiskImage contents, DiskLog log, long seed, boolean calm) {
        this(number, contents, log, seed, calm, 512);
    }

    /** A disk with blocks of {@code logicalBlock} bytes. */
    public SimulatedDisk(
            int number,
            DiskImage contents,
            DiskLog log,
            long seed,
            boolean calm,
            int logicalBlock) {
        this.number = number;
        this.contents = contents;
        this.log = log;
        this.calm = calm;
        this.logicalBlock = logicalBlock;
        random = new Random(seed * 31 + number);
        stale = contents;
        discardsKeepData = random.nextBoolean();
    }

    /** Decides what goes wrong. */
    public void faults(Function<BlockRequest, DiskFault> decision) {
        faults = decision;
    }

    /** Whether to keep the log, which needs memory. */
    public void logging(boolean on) {
        logging = on;
    }

    /** Whether discarded bytes read as before, or as zeroes. */
    public void discardsKeepData(boolean keep) {
        discardsKeepData = keep;
    }

    /**
     * Its user may change data while it is written, as the kernel of a guest does with pages that
     * are mapped: what counts is what they were at submission.
     */
    public void dataMayChange() {
        unstable = true;
    }

    /** It has larger sectors, which a loss of power does not tear. */
    public void physicalBlock(int bytes) {
        physicalBlock = bytes;
    }

    /** What {@link DiskFault.Stale} reads give from now on: what is read now. */
    public void markStale() {
        stale = contents.fork();
    }

    /** Lets go of what stalls, now and later. */
    public void release() {
        stalled = false;
    }

    /** What stalls from now on waits for the next {@link #release}. */
    public void stallAgain() {
        stalled = true;
    }

    /** It is pulled out, or its power is: every request fails, those in flight included. */
    public void vanish() {
        gone = true;
    }

    /** It is back, with what it has in its cache. */
    public void comeBack() {
        gone = false;
    }

    /** Whether it is pulled out. */
    public boolean isGone() {
        return gone;
    }

    /** What reads see. */
    public DiskImage contents() {
        return contents;
    }

    @Override
    public BlockGeometry geometry() {
        return new BlockGeometry(
                contents.capacity(), logicalBlock, 4096, physicalBlock, 0, 1 << 20, 4096);
    }

    @Override
    public Set<BlockOperation> operations() {
        return EnumSet.allOf(BlockOperation.class);
    }

    @Override
    public BlockChannel open(Reactor reactor) {
        return new Channel(reactor);
    }

    @Override
    public BlockCounters counters() {
        return meter.counters();
    }

    @Override
    public void addGeometryListener(Runnable changed) {
        listeners.add(changed);
    }

    @Override
    public void removeGeometryListener(Runnable changed) {
        listeners.remove(changed);
    }

    private static byte[] dataOf(BlockRequest request) {
        if (request.operation() != BlockOperation.WRITE) {
            return NO_DATA;
        }
        byte[] data = new byte[(int) request.length()];
        int at = 0;
        for (int i = 0; i < request.data().count(); i++) {
            int length = request.data().length(i);
            ForeignMemory.copyToArray(request.data().address(i), data, at, length);
            at += length;
        }
        return data;
    }

    private void checkRange(BlockRequest request) {
        boolean whole =
                request.offset() % logicalBlock == 0 && request.length() % logicalBlock == 0;
        if (!whole
                || request.offset() < 0
                || request.offset() + request.length() > contents.capacity()) {
            throw new IllegalArgumentException(
                    "%s %d+%d is not on the disk"
                            .formatted(request.operation(), request.offset(), request.length()));
        }
    }

    private final class Waiting {
        final BlockRequest request;
        final Io io;
        final DiskFault fault;
        private final Reactor reactor;
        private final long notBefore;

        Waiting(BlockRequest request, Reactor reactor) {
            this.request = request;
            this.reactor = reactor;
            byte[] data = dataOf(request);
            fault = faults.apply(request);
            long offset = fault instanceof DiskFault.Misdirected(long o) ? o : request.offset();
            io =
                    new Io(
                            number,
                            request.operation(),
                            offset,
                            request.length(),
                            data,
                            request.forceUnitAccess());
            io.physicalBlock = physicalBlock;
            if (fault instanceof DiskFault.Lies) {
                io.honest = false;
            }
            long delay = fault instanceof DiskFault.Delays(long nanos) ? nanos : 0;
            notBefore = reactor.nanoTime() + delay;
            if (delay > 0) {
                // A clock that is stepped comes there.
                reactor.schedule(delay, () -> {});
            }
        }

        boolean isLogged() {
            return logging
                    && io.operation != BlockOperation.READ
                    && io.operation != BlockOperation.ALLOCATE;
        }

        boolean isStalled() {
            boolean late = fault instanceof DiskFault.Delays && reactor.nanoTime() < notBefore;
            return late || stalled && fault instanceof DiskFault.Stalls;
        }

        BlockStatus carryOut() {
            if (gone) {
                io.effective = 0;
                io.honest = false;
                return BlockStatus.IO_ERROR;
            }
            if (!unstable && io.data.length > 0 && !Arrays.equals(io.data, dataOf(request))) {
                throw new IllegalStateException("data changed while it was written: " + io);
            }
            return switch (fault) {
                case DiskFault.Fails(BlockStatus status, long bytes) -> {
                    io.effective = Math.min(bytes, io.length);
                    io.honest = false;
                    transfer(contents, io.effective);
                    yield status;
                }
                case DiskFault.Torn(long bytes) -> {
                    io.effective = Math.min(bytes, io.length);
                    transfer(contents, io.effective);
                    yield BlockStatus.OK;
                }
                case DiskFault.Stale _ -> {
                    transfer(stale, io.length);
                    yield BlockStatus.OK;
                }
                case DiskFault.BitFlip(int bit) -> {
                    transfer(contents, io.length);
                    long at = request.data().address(0) + bit / 8;
                    ForeignMemory.putByte(at, (byte) (ForeignMemory.getByte(at) ^ 1 << bit % 8));
                    yield BlockStatus.OK;
                }
                case DiskFault.None _,
                        DiskFault.Misdirected _,
                        DiskFault.Lies _,
                        DiskFault.Stalls _,
                        DiskFault.Delays _ -> {
                    transfer(contents, io.length);
                    yield BlockStatus.OK;
                }
            };
        }

        private void transfer(DiskImage image, long bytes) {
            switch (io.operation) {
                case READ -> {
                    long at = io.offset;
                    for (int i = 0; i < request.data().count() && bytes > 0; i++) {
                        int length = request.data().length(i);
                        image.read(at, request.data().address(i), length);
                        at += length;
                    }
                }
                case DISCARD -> {
                    if (!discardsKeepData) {
                        io.apply(image, bytes);
                    }
                }
                case WRITE, WRITE_ZEROES -> io.apply(image, bytes);
                case FLUSH, ALLOCATE -> {
                    // The log knows what is durable, and there is room.
                }
            }
        }
    }

    private final class Channel implements BlockChannel {
        private final List<Waiting> waiting = new ArrayList<>();
        private final Reactor reactor;
        private @Nullable Runnable onClosed;
        private boolean closed;

        Channel(Reactor reactor) {
            this.reactor = reactor;
        }

        @Override
        public int free() {
            return DEPTH - waiting.size();
        }

        @Override
        public void submit(BlockRequest request) {
            if (free() == 0) {
                throw new IllegalStateException("more requests than free() allowed");
            }
            checkRange(request);
            var entry = new Waiting(request, reactor);
            waiting.add(entry);
            if (entry.isLogged()) {
                log.submitted(entry.io);
            }
        }

        @Override
        public void cancel(int tag) {
            // It ends soon enough.
        }

        @Override
        public int poll() {
            if (closed) {
                // What a real one looks at is unmapped by now.
                throw new IllegalStateException("polled after it was closed");
            }
            int size = waiting.size();
            if (size == 0 || !gone && waiting.stream().allMatch(Waiting::isStalled)) {
                return 0;
            }
            int ends = calm || gone ? size : random.nextInt(Math.min(size, 4) + 1);
            for (int i = 0; i < ends; i++) {
                int index = calm ? 0 : random.nextInt(waiting.size());
                Waiting entry = waiting.get(index);
                if (gone || !entry.isStalled()) {
                    end(index);
                } else if (calm) {
                    waiting.add(waiting.remove(index));
                }
            }
            closeIfDrained();
            // Time passes even if nothing ended.
            return 1;
        }

        private void end(int index) {
            Waiting entry = waiting.remove(index);
            BlockStatus status = entry.carryOut();
            if (entry.isLogged()) {
                log.completed(entry.io);
            }
            meter.count(entry.request, status);
            entry.request.complete(status);
        }

        @Override
        public int inFlight() {
            return waiting.size();
        }

        @Override
        public void onReady(Runnable wake) {
            // It is always polled while it has something: arm() says so.
        }

        @Override
        public boolean arm() {
            return waiting.isEmpty();
        }

        @Override
        public void disarm() {
            // Nothing is armed.
        }

        @Override
        public void close(Runnable whenClosed) {
            onClosed = whenClosed;
            closeIfDrained();
        }

        private void closeIfDrained() {
            Runnable told = onClosed;
            if (told != null && waiting.isEmpty()) {
                onClosed = null;
                closed = true;
                told.run();
            }
        }
    }
}
