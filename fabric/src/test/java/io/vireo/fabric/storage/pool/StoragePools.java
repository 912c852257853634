package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.Arrays;
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

    /** Writes the first chunks of a volume of any pool, each with bytes of its own. */
    public static void fill(
            StoragePool pool, Reactor home, String volume, int chunks, int chunkBytes) {
        fill(pool, home, volume, chunks, chunkBytes, chunkBytes);
    }

    /** The same, with so many bytes from the beginning of one chunk to that of the next. */
    public static void fill(
            StoragePool pool,
            Reactor home,
            String volume,
            int chunks,
            int chunkBytes,
            long stride) {
        var client = new SteppedClient(pool.device(volume), home);
        for (int i = 0; i < chunks; i++) {
            byte[] data = new byte[chunkBytes];
            Arrays.fill(data, (byte) (i + 1));
            BlockStatus status = client.await(client.write(i * stride, data, false));
            if (status != BlockStatus.OK) {
                throw new IllegalStateException("chunk %d: %s".formatted(i, status));
            }
        }
        client.close();
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
