package io.vireo.fabric.storage;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockVolume;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.fabric.storage.pool.ThinDevice;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.Optional;

/** A volume of a pool on disks, or a snapshot, that is open. */
final class DisksVolume implements BlockVolume {
    private final StoragePool pool;
    private final ThinDevice device;
    private volatile String name;

    DisksVolume(StoragePool pool, String name) {
        this.pool = pool;
        this.name = name;
        pool.unlock(name);
        device = pool.device(name);
    }

    @Override
    public BlockDevice device() {
        return device;
    }

    @Override
    public void zeroDetection(boolean on) {
        device.zeroDetection(on);
    }

    @Override
    public void striped(Optional<Boolean> inTurn) {
        device.striped(inTurn);
    }

    @Override
    public void grow(long capacity) {
        pool.grow(name, capacity);
    }

    @Override
    public void rename(String newName) {
        if (pool.volumes().stream().anyMatch(volume -> volume.name().equals(newName))) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "the pool holds a vDisk %s already; give this one another name"
                            .formatted(newName));
        }
        pool.rename(name, newName);
        name = newName;
    }

    @Override
    public String trouble() {
        return pool.trouble();
    }

    @Override
    public void close() {
        device.zeroDetection(false);
        device.striped(Optional.empty());
        // Its channels are closed: what is left of it is its key.
        pool.lock(name);
    }
}
