package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What snapshots cost, in requests to the disks: nothing that grows with what is in a volume. */
class SnapshotCostTest {
    private static final int CHUNK = 16 << 10;
    private static final int SMALL = 8;
    private static final int LARGE = 800;
    private static final int READS = SMALL * CHUNK / 4096;

    private final Reactor home = Reactor.stepped("snapshot-cost");
    private final MemoryBlockDevice disk = new MemoryBlockDevice(48 << 20, 512);
    private final StoragePool pool = open();

    private StoragePool open() {
        disk.logging(false);
        List<BlockDevice> disks = List.of(disk);
        StoragePool.create(new PoolConfig(CHUNK, 1 << 20, true, true), disks, home);
        return StoragePool.open(disks, home, PoolOptions.DEFAULT);
    }

    @AfterEach
    void close() {
        pool.close();
        disk.close();
        home.close();
    }

    private void volume(String name, int chunks) {
        pool.createVolume(name, new VolumeFormat((long) LARGE * CHUNK, 512, 4096));
        StoragePools.fill(pool, home, name, chunks, CHUNK);
    }

    /** The requests that the disk gets while something is done. */
    private Map<BlockOperation, Integer> requests(Runnable task) {
        int before = disk.log().size();
        disk.logging(true);
        task.run();
        disk.logging(false);
        var counts = new EnumMap<BlockOperation, Integer>(BlockOperation.class);
        disk.log().stream()
                .skip(before)
                .filter(entry -> !entry.completion())
                .forEach(entry -> counts.merge(entry.operation(), 1, Integer::sum));
        return counts;
    }

    /** With what came before out of the way. */
    private Map<BlockOperation, Integer> alone(Runnable task) {
        pool.checkpoint();
        for (int i = 0; i < 1000; i++) {
            home.step();
        }
        return requests(task);
    }

    @Test
    void aSnapshotCostsTheSameWhateverIsInTheVolume() {
        volume("small", SMALL);
        volume("large", LARGE);
        var small = alone(() -> pool.snapshot("small", "s1"));
        var large = alone(() -> pool.snapshot("large", "s2"));
        assertThat(large).isEqualTo(small);
        assertThat(small).containsOnlyKeys(BlockOperation.WRITE, BlockOperation.FLUSH);
        assertThat(small.values()).allMatch(count -> count <= 2);
        var smallClone = alone(() -> pool.cloneVolume("s1", "c1"));
        var largeClone = alone(() -> pool.cloneVolume("s2", "c2"));
        assertThat(largeClone).isEqualTo(smallClone).isEqualTo(small);
    }

    @Test
    void aReadCostsTheSameWhateverSnapshotsThereAre() {
        volume("v", SMALL);
        assertThat(reads("v")).isEqualTo(Map.of(BlockOperation.READ, READS));
        for (int i = 0; i < 10; i++) {
            pool.snapshot("v", "s" + i);
            StoragePools.fill(pool, home, "v", 1 + i % SMALL, CHUNK);
        }
        for (String name : List.of("v", "s0", "s5", "s9")) {
            assertThat(reads(name)).as(name).isEqualTo(Map.of(BlockOperation.READ, READS));
        }
        // And so through clones of clones.
        String last = "v";
        for (int i = 0; i < 10; i++) {
            pool.cloneVolume(last, "c" + i);
            last = "c" + i;
        }
        assertThat(reads(last)).isEqualTo(Map.of(BlockOperation.READ, READS));
    }

    private Map<BlockOperation, Integer> reads(String volume) {
        var client = new SteppedClient(pool.device(volume), home);
        var counts =
                alone(() -> {
                    for (int i = 0; i < READS; i++) {
                        client.read(i * 4096L, 4096);
                    }
                });
        client.close();
        return counts;
    }
}
