package io.vireo.testkit.crash;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.Reactor;
import java.util.ArrayDeque;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/** A volume of {@link SimpleStore}. */
final class SimpleStoreVolume implements BlockDevice {
    private static final int DEPTH = 16;

    private record Ended(BlockRequest request, BlockStatus status) {}

    private final LongSupplier capacity;
    private final BlockChannel disk;
    private final BiConsumer<BlockRequest, Consumer<BlockStatus>> store;
    private final BlockMeter meter = new BlockMeter();

    SimpleStoreVolume(
            LongSupplier capacity,
            BlockChannel disk,
            BiConsumer<BlockRequest, Consumer<BlockStatus>> store) {
        this.capacity = capacity;
        this.disk = disk;
        this.store = store;
    }

    @Override
    public BlockGeometry geometry() {
        return new BlockGeometry(capacity.getAsLong(), 512, 4096, 512, 0, 1 << 20, 16 << 10);
    }

    @Override
    public Set<BlockOperation> operations() {
        return EnumSet.complementOf(EnumSet.of(BlockOperation.ALLOCATE));
    }

    @Override
    public BlockCounters counters() {
        return meter.counters();
    }

    @Override
    public void addGeometryListener(Runnable changed) {
        throw new UnsupportedOperationException();
    }

    @Override
    public void removeGeometryListener(Runnable changed) {
        throw new UnsupportedOperationException();
    }

    @Override
    public BlockChannel open(Reactor reactor) {
        return new Channel();
    }

    private final class Channel implements BlockChannel {
        private final ArrayDeque<Ended> ended = new ArrayDeque<>();
        private int inFlight;

        @Override
        public int free() {
            return DEPTH - inFlight;
        }

        @Override
        public void submit(BlockRequest request) {
            inFlight++;
            store.accept(request, status -> ended.add(new Ended(request, status)));
        }

        @Override
        public void cancel(int tag) {
            // It ends soon enough.
        }

        @Override
        public int poll() {
            int work = disk.poll() + ended.size();
            for (Ended one = ended.poll(); one != null; one = ended.poll()) {
                inFlight--;
                meter.count(one.request(), one.status());
                one.request().complete(one.status());
            }
            return work;
        }

        @Override
        public int inFlight() {
            return inFlight;
        }

        @Override
        public void onReady(Runnable wake) {
            // The store is polled all the time.
        }

        @Override
        public boolean arm() {
            return inFlight == 0;
        }

        @Override
        public void disarm() {
            // Nothing is armed.
        }

        @Override
        public void close(Runnable onClosed) {
            onClosed.run();
        }
    }
}
