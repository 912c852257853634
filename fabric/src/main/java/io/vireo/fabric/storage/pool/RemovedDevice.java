package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.Reactor;
import java.util.EnumSet;
import java.util.Set;

/** What is in the place of a member that left the pool: members keep their numbers. */
final class RemovedDevice implements BlockDevice {
    static final RemovedDevice INSTANCE = new RemovedDevice();

    private RemovedDevice() {}

    @Override
    public BlockGeometry geometry() {
        return new BlockGeometry(0, 512, 512, BlockGeometry.LARGEST_ATOMIC, 0, 0, 0);
    }

    @Override
    public Set<BlockOperation> operations() {
        return EnumSet.noneOf(BlockOperation.class);
    }

    @Override
    public BlockChannel open(Reactor reactor) {
        return new Channel();
    }

    @Override
    public BlockCounters counters() {
        return BlockCounters.ZERO;
    }

    @Override
    public void addGeometryListener(Runnable changed) {
        // It does not change.
    }

    @Override
    public void removeGeometryListener(Runnable changed) {
        // It does not change.
    }

    private static final class Channel implements BlockChannel {
        @Override
        public int free() {
            return 1;
        }

        @Override
        public int inFlight() {
            return 0;
        }

        @Override
        public void submit(BlockRequest request) {
            // Nothing is on it that a flush would have to make durable.
            boolean flush = request.operation() == BlockOperation.FLUSH;
            request.complete(flush ? BlockStatus.OK : BlockStatus.IO_ERROR);
        }

        @Override
        public void cancel(int tag) {
            // Everything has ended.
        }

        @Override
        public int poll() {
            return 0;
        }

        @Override
        public void onReady(Runnable wake) {
            // It is never ready.
        }

        @Override
        public boolean arm() {
            return true;
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
