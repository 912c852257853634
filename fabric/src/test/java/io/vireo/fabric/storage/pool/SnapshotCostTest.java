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

    /** What {@link #reads} costs where nothing is read that was not asked for, nor twice. */
    private static final Map<BlockOperation, Cost> ONCE =
            Map.of(BlockOperation.READ, new Cost(READS, READS * 4096L));

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

    /** Requests of one kind, and how much they were for. */
    private record Cost(int requests, long bytes) {
        static Cost of(MemoryBlockDevice.Entry entry) {
            return new Cost(1, entry.length());
        }

        Cost plus(Cost other) {
            return new Cost(requests + other.requests, bytes + other.bytes);
        }
    }

    /** The requests that the disk gets while something is done, and because of it. */
    private Map<BlockOperation, Cost> requests(Runnable task) {
        int before = disk.log().size();
        disk.logging(true);
        task.run();
        steps();
        disk.logging(false);
        var costs = new EnumMap<BlockOperation, Cost>(BlockOperation.class);
        disk.log().stream()
                .skip(before)
                .filter(entry -> !entry.completion())
                .forEach(entry -> costs.merge(entry.operation(), Cost.of(entry), Cost::plus));
        return costs;
    }

    /** With what came before out of the way. */
    private Map<BlockOperation, Cost> alone(Runnable task) {
        pool.checkpoint();
        steps();
        return requests(task);
    }

    private void steps() {
        for (int i = 0; i < 1000; i++) {
            home.step();
        }
    }

    @Test
    void aSnapshotCostsTheSameWhateverIsInTheVolume() {
        volume("small", SMALL);
        volume("large", LARGE);
        var small = alone(() -> pool.snapshot("small", "s1"));
        var smallLater = requests(pool::checkpoint);
        var large = alone(() -> pool.snapshot("large", "s2"));
        var largeLater = requests(pool::checkpoint);
        assertThat(large).isEqualTo(small);
        assertThat(small).containsOnlyKeys(BlockOperation.WRITE, BlockOperation.FLUSH);
        assertThat(small.values()).allMatch(cost -> cost.requests() <= 2);
        assertThat(largeLater).as("what it leaves for later").isEqualTo(smallLater);
        var smallClone = alone(() -> pool.cloneVolume("s1", "c1"));
        smallLater = requests(pool::checkpoint);
        var largeClone = alone(() -> pool.cloneVolume("s2", "c2"));
        largeLater = requests(pool::checkpoint);
        assertThat(largeClone).isEqualTo(smallClone).isEqualTo(small);
        assertThat(largeLater).as("what it leaves for later").isEqualTo(smallLater);
    }

    @Test
    void aReadCostsTheSameWhateverSnapshotsThereAre() {
        volume("v", SMALL);
        assertThat(reads("v")).isEqualTo(ONCE);
        for (int i = 0; i < 10; i++) {
            pool.snapshot("v", "s" + i);
            StoragePools.fill(pool, home, "v", 1 + i % SMALL, CHUNK);
        }
        for (String name : List.of("v", "s0", "s5", "s9")) {
            assertThat(reads(name)).as(name).isEqualTo(ONCE);
        }
        var whole = whole("v");
        // And so through clones of clones.
        String last = "v";
        for (int i = 0; i < 10; i++) {
            pool.cloneVolume(last, "c" + i);
            last = "c" + i;
        }
        assertThat(reads(last)).isEqualTo(ONCE);
        assertThat(whole(last)).isEqualTo(whole);
    }

    /** Neighbours that were written together are read together, whoever shares them. */
    @Test
    void aLargeReadIsOneRequestWhateverSnapshotsThereAre() {
        volume("v", SMALL);
        var one = Map.of(BlockOperation.READ, new Cost(1, SMALL * CHUNK));
        assertThat(whole("v")).isEqualTo(one);
        for (int i = 0; i < 10; i++) {
            pool.snapshot("v", "s" + i);
        }
        for (String name : List.of("v", "s0", "s9")) {
            assertThat(whole(name)).as(name).isEqualTo(one);
        }
    }

    /** All that was written, by one request. */
    private Map<BlockOperation, Cost> whole(String volume) {
        var client = new SteppedClient(pool.device(volume), home);
        var cost = alone(() -> client.read(0, SMALL * CHUNK));
        client.close();
        return cost;
    }

    private Map<BlockOperation, Cost> reads(String volume) {
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
