package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The first block of the first chunk has the address 0, and is a block as any other: a page of a
 * map that was there is given up like those elsewhere.
 */
class FirstBlockTest {
    private static final int CHUNK = 16 << 10;
    private static final int ROUNDS = 12;

    private final Reactor home = Reactor.stepped("first");
    private final MemoryBlockDevice disk = new MemoryBlockDevice(8 << 20, 512);
    private final List<BlockDevice> disks = List.of(disk);

    @AfterEach
    void close() {
        home.close();
        disk.close();
    }

    private StoragePool open() {
        return StoragePool.open(disks, home, PoolOptions.DEFAULT);
    }

    private void write(StoragePool pool, String volume, int chunk, int length) {
        var client = new SteppedClient(pool.device(volume), home);
        byte[] data = new byte[length];
        Arrays.fill(data, (byte) 0xDA);
        assertThat(client.await(client.write((long) chunk * CHUNK, data, false)))
                .isEqualTo(BlockStatus.OK);
        client.close();
    }

    @Test
    void noBlockOfMetadataIsForgotten() {
        StoragePool.create(new PoolConfig(CHUNK, 64 << 10, true, true), disks, home);
        StoragePool pool = open();
        pool.createVolume("v", new VolumeFormat(64L * CHUNK, 512, 4096));
        // The first chunk is had and given back, and a page has changed: it comes there.
        write(pool, "v", 0, CHUNK);
        var client = new SteppedClient(pool.device("v"), home);
        assertThat(client.await(client.start(BlockOperation.DISCARD, 0, CHUNK, _ -> {})))
                .isEqualTo(BlockStatus.OK);
        client.close();
        for (int i = 0; i < 10_000 && pool.look().reclaim().totalBytes() > 0; i++) {
            home.step();
        }
        pool.checkpoint();
        assertThat(pool.engine().space().isMetadata(0)).isTrue();
        for (int round = 0; round < ROUNDS; round++) {
            write(pool, "v", round, CHUNK);
            if (round % 2 == 0) {
                pool.checkpoint();
            }
            pool.close();
            Map<Long, Integer> before = PoolModel.freeMetadata(pool);
            pool = open();
            assertThat(PoolModel.freeMetadata(pool)).as("round %d", round).isEqualTo(before);
        }
        pool.close();
    }
}
