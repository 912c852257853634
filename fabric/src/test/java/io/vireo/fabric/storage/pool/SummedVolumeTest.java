package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.block.VolumeFormat;
import io.vireo.testkit.BlockDeviceContract;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** A volume with checksums is a block device like any other. */
class SummedVolumeTest extends BlockDeviceContract {
    private final MemoryBlockDevice disk = new MemoryBlockDevice(16 << 20, BLOCK);
    private @Nullable StoragePool pool;

    @Override
    protected BlockDevice make() {
        disk.logging(false);
        List<BlockDevice> disks = List.of(disk);
        StoragePool.create(new PoolConfig(64 << 10, 1 << 20, true, true), disks, reactor);
        pool = StoragePool.open(disks, reactor, PoolOptions.DEFAULT);
        pool.createVolume("volume", new VolumeFormat(CAPACITY, BLOCK, 4096, false, true));
        return pool.device("volume");
    }

    @Override
    protected boolean kernelCopies() {
        return false;
    }

    @Override
    protected void unmake() {
        Objects.requireNonNull(pool).close();
        disk.close();
    }
}
