package io.vireo.fabric.storage.move;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockOperation;
import io.vireo.reactor.Reactor;
import java.util.Optional;
import java.util.Set;

/**
 * A device that only one reactor serves, for front ends of any reactor: requests of others are
 * handed over, and cost a message each way. Whoever can work at {@link #home} pays nothing.
 */
public final class HopDevice implements BlockDevice {
    private final BlockDevice device;

    private HopDevice(BlockDevice device) {
        this.device = device;
    }

    /** The device as any reactor can use it. */
    public static BlockDevice over(BlockDevice device) {
        return device.home().isEmpty() || device instanceof HopDevice
                ? device
                : new HopDevice(device);
    }

    @Override
    public BlockGeometry geometry() {
        return device.geometry();
    }

    @Override
    public Set<BlockOperation> operations() {
        return device.operations();
    }

    /** Where it costs nothing; it can be opened elsewhere too. */
    @Override
    public Optional<Reactor> home() {
        return device.home();
    }

    @Override
    public BlockChannel open(Reactor reactor) {
        Reactor home = device.home().orElse(reactor);
        return home == reactor ? device.open(reactor) : new HopChannel(device, reactor, home);
    }

    @Override
    public BlockCounters counters() {
        return device.counters();
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
