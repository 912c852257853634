package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.List;

/** A pool on a disk in memory, for tests of what uses pools. */
public final class StoragePools implements AutoCloseable {
    private final MemoryBlockDevice disk;
    private final StoragePool pool;

    public StoragePools(Reactor home, long bytes) {
        disk = new MemoryBlockDevice(bytes, 512);
        disk.logging(false);
        List<BlockDevice> disks = List.of(disk);
        StoragePool.create(new PoolConfig(64 << 10, 1 << 20, true, true), disks, home);
        pool = StoragePool.open(disks, home, PoolOptions.DEFAULT);
    }

    /** A new volume. */
    public BlockDevice volume(String name, long capacity) {
        pool.createVolume(name, new VolumeFormat(capacity, 512, 4096));
        return pool.device(name);
    }

    /** Bytes that a volume has mapped. */
    public long mapped(String name) {
        return pool.volumes().stream()
                .filter(each -> each.name().equals(name))
                .mapToLong(VolumeInfo::mappedBytes)
                .sum();
    }

    @Override
    public void close() {
        pool.close();
        disk.close();
    }
}
