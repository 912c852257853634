package io.vireo.testkit;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.CacheModeListener;
import io.vireo.linux.ForeignMemory;
import io.vireo.linux.NativeBuffer;
import io.vireo.reactor.Reactor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Function;

/**
 * A block device in memory that does as it is told: fails requests, holds them back and lets them
 * go in any order, and writes down what it was asked for and when it was done.
 */
public final class MemoryBlockDevice implements BlockDevice, AutoCloseable {
    /** What a request is to come to, decided when it is submitted. */
    public sealed interface Fate {
        /** It is carried out. */
        record Done() implements Fate {}

        /** It ends so, without being carried out. */
        record Ends(BlockStatus status) implements Fate {}

        /** It waits for {@link #release}. */
        record Held() implements Fate {}

        /** It waits for room: for {@link #release}, or until it is taken back. */
        record WaitsForRoom() implements Fate {}

        Fate DONE = new Done();
        Fate HELD = new Held();
        Fate WAITS_FOR_ROOM = new WaitsForRoom();
    }

    /** One line of the log. */
    public record Entry(
            int channel,
            boolean completion,
            BlockOperation operation,
            long offset,
            long length,
            boolean durable,
            boolean unmap) {}

    private static final int DEPTH = 64;

    private final NativeBuffer memory;
    private final Set<BlockOperation> operations;
    private final List<Entry> log = Collections.synchronizedList(new ArrayList<>());
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final List<CacheModeListener> cacheModeListeners = new CopyOnWriteArrayList<>();
    private final List<Channel> channels = new CopyOnWriteArrayList<>();
    private final BlockMeter meter = new BlockMeter();

    /** Those of its mapping units that were written; guarded by itself. */
    private final BitSet mapped = new BitSet();

    private volatile Function<BlockRequest, Fate> fates = _ -> Fate.DONE;
    private volatile boolean logging = true;
    private volatile BlockGeometry geometry;
    private volatile boolean writeThrough;

    /** Bytes of which it is known together whether they are mapped. */
    private final int mappingUnit;

    /** A device of {@code capacity} zero bytes that can do everything. */
    public MemoryBlockDevice(long capacity, int blockSize) {
        this(capacity, blockSize, EnumSet.allOf(BlockOperation.class));
    }

    public MemoryBlockDevice(long capacity, int blockSize, Set<BlockOperation> operations) {
        this(capacity, blockSize, 4096, operations);
    }

    /** One that knows by so many bytes what is mapped. */
    public MemoryBlockDevice(
            long capacity, int blockSize, int mappingUnit, Set<BlockOperation> operations) {
        this.mappingUnit = mappingUnit;
        memory = NativeBuffer.allocate(capacity, 4096);
        geometry = new BlockGeometry(capacity, blockSize, 4096, 4096, 0, 1 << 20, 4096);
        this.operations = operations;
    }

    /** Decides what new requests come to. */
    public void fate(Function<BlockRequest, Fate> decision) {
        fates = decision;
    }

    /** Whether to keep the log, which allocates. */
    public void logging(boolean on) {
        logging = on;
    }

    /** What happened so far, in order. */
    public List<Entry> log() {
        synchronized (log) {
            return List.copyOf(log);
        }
    }

    /** Says that the device became larger; its upper part cannot be used. */
    public void pretendToGrow(long capacity) {
        reshape(capacity, geometry.atomicWriteSize());
    }

    /** Says that writes of so many bytes are kept whole by now. */
    public void atomicWriteSize(int bytes) {
        reshape(geometry.capacity(), bytes);
    }

    private void reshape(long capacity, int atomicWriteSize) {
        BlockGeometry old = geometry;
        geometry =
                new BlockGeometry(
                        capacity,
                        old.logicalBlockSize(),
                        old.physicalBlockSize(),
                        atomicWriteSize,
                        old.optimalIoSize(),
                        old.maxDiscardBytes(),
                        old.discardAlignment());
        listeners.forEach(Runnable::run);
    }

    /** Says that these bytes are mapped, which are whole units of what it knows. */
    public void pretendMapped(long offset, int length) {
        synchronized (mapped) {
            mapped.set((int) (offset / mappingUnit), (int) ((offset + length) / mappingUnit));
        }
    }

    /** Says that it writes through, or not; what it does stays the same. */
    public void writeThrough(boolean on) {
        writeThrough = on;
        cacheModeListeners.forEach(each -> each.changed(() -> {}));
    }

    /** Carries out everything held, the last first. Any thread. */
    public void release() {
        channels.forEach(Channel::release);
    }

    /** Channels that are open. */
    public int openChannels() {
        return channels.size();
    }

    /** Listeners to its shape. */
    public int geometryListeners() {
        return listeners.size();
    }

    /** Listeners to its cache mode. */
    public int cacheModeListeners() {
        return cacheModeListeners.size();
    }

    /** Bytes of it. */
    public byte[] contents(long offset, int length) {
        byte[] data = new byte[length];
        ForeignMemory.copyToArray(memory.address() + offset, data, 0, length);
        return data;
    }

    @Override
    public BlockGeometry geometry() {
        return geometry;
    }

    @Override
    public Set<BlockOperation> operations() {
        return operations;
    }

    @Override
    public BlockChannel open(Reactor reactor) {
        var channel = new Channel(channels.size(), reactor);
        channels.add(channel);
        return channel;
    }

    @Override
    public BlockCounters counters() {
        return meter.counters();
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
    public void addGeometryListener(Runnable changed) {
        listeners.add(changed);
    }

    @Override
    public void removeGeometryListener(Runnable changed) {
        listeners.remove(changed);
    }

    @Override
    public void close() {
        memory.close();
    }

    private void note(int channel, boolean completion, BlockRequest request) {
        if (logging) {
            log.add(
                    new Entry(
                            channel,
                            completion,
                            request.operation(),
                            request.offset(),
                            request.length(),
                            request.forceUnitAccess(),
                            request.unmap()));
        }
    }

    private BlockStatus carryOut(BlockRequest request) {
        if (fates.apply(request) instanceof Fate.Ends(BlockStatus ends)) {
            return ends;
        }
        // An error of others is not this request's.
        ForeignMemory.settle();
        try {
            transfer(request);
            ForeignMemory.settle();
            return BlockStatus.OK;
        } catch (InternalError e) {
            return BlockStatus.MEMORY_FAULT;
        }
    }

    private void transfer(BlockRequest request) {
        long at = memory.address() + request.offset();
        switch (request.operation()) {
            case READ -> {
                for (int i = 0; i < request.data().count(); i++) {
                    ForeignMemory.copy(at, request.data().address(i), request.data().length(i));
                    at += request.data().length(i);
                }
            }
            case WRITE -> {
                map(request, true);
                for (int i = 0; i < request.data().count(); i++) {
                    ForeignMemory.copy(request.data().address(i), at, request.data().length(i));
                    at += request.data().length(i);
                }
            }
            case WRITE_ZEROES, DISCARD -> {
                map(
                        request,
                        request.operation() == BlockOperation.WRITE_ZEROES && !request.unmap());
                ForeignMemory.fill(at, request.length(), (byte) 0);
            }
            case FLUSH, ALLOCATE -> {
                // Nothing is volatile here, and nothing lacks room.
            }
        }
    }

    /** Units that the request touches become mapped; those that it has whole may be unmapped. */
    private void map(BlockRequest request, boolean on) {
        int unit = mappingUnit;
        long end = request.offset() + request.length();
        synchronized (mapped) {
            if (on) {
                mapped.set((int) (request.offset() / unit), (int) ((end + unit - 1) / unit));
            } else {
                int first = (int) ((request.offset() + unit - 1) / unit);
                int last = (int) (end / unit);
                if (first < last) {
                    mapped.clear(first, last);
                }
            }
        }
    }

    private long mapped(long offset, long length) {
        long unit = mappingUnit;
        int first = (int) (offset / unit);
        synchronized (mapped) {
            boolean on = mapped.get(first);
            int next = on ? mapped.nextClearBit(first) : mapped.nextSetBit(first);
            long stop = next < 0 ? offset + length : Math.min(offset + length, next * unit);
            return on ? stop - offset : offset - stop;
        }
    }

    private final class Channel implements BlockChannel {
        private final int number;
        private final Reactor reactor;
        private final ArrayDeque<BlockRequest> ready = new ArrayDeque<>();
        private final ArrayDeque<BlockRequest> held = new ArrayDeque<>();
        private final Set<BlockRequest> waitingForRoom = new HashSet<>();
        private Runnable wake = () -> {};
        private int inFlight;
        private boolean closed;

        Channel(int number, Reactor reactor) {
            this.number = number;
            this.reactor = reactor;
        }

        void release() {
            reactor.execute(() -> {
                while (!held.isEmpty()) {
                    ready.add(held.removeLast());
                }
                waitingForRoom.clear();
                wake.run();
            });
        }

        @Override
        public int free() {
            return DEPTH - inFlight;
        }

        private void checkOpen() {
            if (closed) {
                throw new IllegalStateException("the channel is closed");
            }
        }

        @Override
        public void submit(BlockRequest request) {
            checkOpen();
            if (inFlight == DEPTH) {
                throw new IllegalStateException("more requests than free() allowed");
            }
            inFlight++;
            note(number, false, request);
            Fate fate = fates.apply(request);
            if (fate == Fate.HELD) {
                held.add(request);
            } else if (fate == Fate.WAITS_FOR_ROOM) {
                held.add(request);
                waitingForRoom.add(request);
            } else {
                ready.add(request);
            }
        }

        @Override
        public long mapped(long offset, long length) {
            checkOpen();
            return MemoryBlockDevice.this.mapped(offset, length);
        }

        @Override
        public void cancel(int tag) {
            for (BlockRequest request : held) {
                if (request.tag() == tag) {
                    held.remove(request);
                    inFlight--;
                    request.complete(BlockStatus.CANCELLED);
                    return;
                }
            }
        }

        @Override
        public void cancelHeld(int tag) {
            if (waitingForRoom.removeIf(request -> request.tag() == tag)) {
                cancel(tag);
            }
        }

        @Override
        public int poll() {
            int work = ready.size();
            for (int left = work; left > 0; left--) {
                // Removed only when it is done: an error of others cuts the turn off before.
                BlockRequest request = ready.element();
                BlockStatus status = carryOut(request);
                ready.remove();
                inFlight--;
                note(number, true, request);
                meter.count(request, status);
                request.complete(status);
            }
            return work;
        }

        @Override
        public int inFlight() {
            return inFlight;
        }

        @Override
        public void onReady(Runnable newWake) {
            wake = newWake;
        }

        @Override
        public boolean arm() {
            return ready.isEmpty();
        }

        @Override
        public void disarm() {
            // A wake-up too many does no harm.
        }

        @Override
        public void close(Runnable onClosed) {
            closed = true;
            channels.remove(this);
            onClosed.run();
        }
    }
}
