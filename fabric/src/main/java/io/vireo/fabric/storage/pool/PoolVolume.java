package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockMeters;
import io.vireo.block.BlockOperation;
import io.vireo.reactor.Reactor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/** A volume as the front ends see it. */
final class PoolVolume implements ThinDevice {
    /** Longest DISCARD or WRITE_ZEROES: bounds what is done in one go. */
    private static final long MAX_DISCARD = 256L << 20;

    /** Chunks that are compared in one go. */
    private static final int MOST_COMPARED = 1024;

    private final Engine engine;
    private final Volume volume;
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final BlockMeters meters = new BlockMeters();

    PoolVolume(Engine engine, Volume volume) {
        this.engine = engine;
        this.volume = volume;
    }

    /** Its capacity, or what is kept whole, has changed. */
    void changed() {
        listeners.forEach(Runnable::run);
    }

    @Override
    public void zeroDetection(boolean on) {
        volume.zeroDetection = on;
    }

    @Override
    public void striped(Optional<Boolean> inTurn) {
        volume.placement.striped(inTurn);
    }

    @Override
    public BlockGeometry geometry() {
        return new BlockGeometry(
                volume.capacity,
                volume.logicalBlock,
                volume.physicalBlock,
                engine.members().atomicWriteSize(),
                0,
                MAX_DISCARD,
                1 << engine.chunkShift());
    }

    @Override
    public Set<BlockOperation> operations() {
        return volume.readOnly
                ? EnumSet.of(BlockOperation.READ, BlockOperation.FLUSH)
                : EnumSet.complementOf(EnumSet.of(BlockOperation.ALLOCATE));
    }

    /** Chunks that both have at the same place hold the same, and so do holes. */
    @Override
    public long sameUntil(BlockDevice other, long offset) {
        if (!(other instanceof PoolVolume with) || with.engine != engine) {
            return offset;
        }
        int shift = engine.chunkShift();
        long capacity = Math.min(volume.capacity, with.volume.capacity);
        long first = offset >>> shift;
        long end = Math.min(first + MOST_COMPARED, engine.chunks(capacity));
        while (first < end
                && engine.tree().find(volume.root, first)
                        == engine.tree().find(with.volume.root, first)) {
            first++;
        }
        return Math.max(offset, Math.min(capacity, first << shift));
    }

    @Override
    public Optional<Reactor> home() {
        return Optional.of(engine.members().home());
    }

    @Override
    public BlockChannel open(Reactor reactor) {
        if (reactor != engine.members().home()) {
            throw new IllegalStateException(
                    "volume " + volume.name + " can be opened on its pool's reactor only");
        }
        if (volume.isLocked()) {
            throw new UncheckedIOException(
                    new IOException("volume " + volume.name + " is encrypted, and locked"));
        }
        var meter = new Runnable[1];
        var channel = new VolumeChannel(engine, volume, () -> meter[0].run());
        meters.add(channel.meter());
        volume.channels++;
        meter[0] =
                () -> {
                    meters.close(channel.meter());
                    volume.channels--;
                };
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
}
