package io.vireo.fabric.storage.qos;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockMeters;
import io.vireo.block.BlockOperation;
import io.vireo.reactor.Reactor;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;

/** A device whose requests wait for the rates of a vDisk and for their turn in the pool. */
final class QosDevice implements BlockDevice {
    private final BlockDevice device;
    private final VdiskQos vdisk;
    private final LongSupplier nanoTime;

    /** Requests that were cancelled here: the device never saw them. */
    private final BlockMeters cancelled = new BlockMeters();

    QosDevice(BlockDevice device, VdiskQos vdisk, LongSupplier nanoTime) {
        this.device = device;
        this.vdisk = vdisk;
        this.nanoTime = nanoTime;
    }

    @Override
    public BlockGeometry geometry() {
        return device.geometry();
    }

    @Override
    public Set<BlockOperation> operations() {
        return device.operations();
    }

    @Override
    public Optional<Reactor> home() {
        return device.home();
    }

    @Override
    public BlockChannel open(Reactor reactor) {
        var channel =
                new QosChannel(
                        device.open(reactor),
                        vdisk,
                        vdisk.pool().lane(reactor),
                        reactor,
                        nanoTime,
                        cancelled);
        vdisk.opened(channel);
        return channel;
    }

    @Override
    public BlockCounters counters() {
        return device.counters().plus(cancelled.total());
    }

    @Override
    public void addGeometryListener(Runnable changed) {
        device.addGeometryListener(changed);
    }

    @Override
    public void removeGeometryListener(Runnable changed) {
        device.removeGeometryListener(changed);
    }
}
