package io.vireo.adapter.nulldev;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockMeters;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/** Forgets what is written and does not answer what is read. */
public final class NullBlockDevice implements BlockDevice {
    private static final long MAX_DISCARD = 1L << 31;

    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final BlockMeters meters = new BlockMeters();
    private volatile VolumeFormat format;

    public NullBlockDevice(VolumeFormat format) {
        this.format = format;
    }

    @Override
    public BlockGeometry geometry() {
        VolumeFormat now = format;
        return new BlockGeometry(
                now.capacity(),
                now.logicalBlockSize(),
                now.physicalBlockSize(),
                0,
                MAX_DISCARD,
                now.physicalBlockSize());
    }

    @Override
    public Set<BlockOperation> operations() {
        return EnumSet.allOf(BlockOperation.class);
    }

    @Override
    public BlockChannel open(Reactor reactor) {
        var channel = new Channel();
        meters.add(channel.meter);
        return channel;
    }

    @Override
    public BlockCounters counters() {
        return meters.total();
    }

    @Override
    public void addGeometryListener(Runnable changed) {
        listeners.add(changed);
    }

    @Override
    public void removeGeometryListener(Runnable changed) {
        listeners.remove(changed);
    }

    void grow(long capacity) {
        VolumeFormat old = format;
        format = new VolumeFormat(capacity, old.logicalBlockSize(), old.physicalBlockSize());
        listeners.forEach(Runnable::run);
    }

    private final class Channel implements BlockChannel {
        private static final int DEPTH = 256;

        private final BlockMeter meter = new BlockMeter();

        @Override
        public int free() {
            return DEPTH;
        }

        @Override
        public void submit(BlockRequest request) {
            meter.count(request, BlockStatus.OK);
            request.complete(BlockStatus.OK);
        }

        @Override
        public void cancel(int tag) {
            // Nothing is ever in flight.
        }

        @Override
        public int poll() {
            return 0;
        }

        @Override
        public int inFlight() {
            return 0;
        }

        @Override
        public void onReady(Runnable wake) {
            // Nothing is ever waited for.
        }

        @Override
        public boolean arm() {
            return true;
        }

        @Override
        public void disarm() {
            // Nothing was armed.
        }

        @Override
        public void close(Runnable onClosed) {
            meters.close(meter);
            onClosed.run();
        }
    }
}
