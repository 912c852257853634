package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is deleted comes back in the background, and the pool says how much of it has. */
class ReclaimTest {
    private static final int CHUNK = 16 << 10;
    private static final int CHUNKS = 200;

    private final Reactor home = Reactor.stepped("reclaim");
    private final SimulatedDisk disk =
            new SimulatedDisk(0, new DiskImage(16 << 20), new DiskLog(), 1, true);
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
        home.close();
    }

    private void write(String volume, int step) {
        var client = new SteppedClient(pool.device(volume), home);
        for (int i = 0; i < CHUNKS; i += step) {
            var data = new byte[CHUNK];
            data[0] = (byte) i;
            assertThat(client.await(client.write((long) i * CHUNK, data, false)))
                    .isEqualTo(BlockStatus.OK);
        }
        client.close();
    }

    private void settle() {
        for (int i = 0; i < 100_000 && pool.look().reclaim().totalBytes() > 0; i++) {
            home.step();
        }
        assertThat(pool.look().reclaim()).isEqualTo(ReclaimStatus.NOTHING);
    }

    @Test
    void whatADeletedSnapshotHadIsGivenBackWithProgress() {
        pool.createVolume("v", new VolumeFormat((long) CHUNKS * CHUNK, 512, 4096));
        write("v", 1);
        pool.snapshot("v", "s");
        // Every other chunk is the snapshot's alone from here on: no two of them are neighbours.
        write("v", 2);
        settle();
        long unused = pool.status().unused();
        var zeroed = new AtomicInteger();
        disk.faults(request ->
                request.operation() == BlockOperation.WRITE_ZEROES
                                && zeroed.incrementAndGet() > CHUNKS / 4
                        ? new DiskFault.Stalls()
                        : DiskFault.NONE);
        pool.delete("s");
        for (int i = 0; i < 100_000 && zeroed.get() <= CHUNKS / 4; i++) {
            pool.look();
            home.step();
        }
        ReclaimStatus half = pool.look().reclaim();
        assertThat(half.totalBytes()).isGreaterThanOrEqualTo((long) CHUNKS / 2 * CHUNK);
        assertThat(half.doneBytes()).isBetween((long) CHUNK, half.totalBytes() - CHUNK);
        disk.faults(_ -> DiskFault.NONE);
        disk.release();
        settle();
        assertThat(pool.status().unused()).isGreaterThanOrEqualTo(unused + CHUNKS / 2);
    }

    @Test
    void aSnapshotThatSharesEverythingIsDoneAtOnce() {
        pool.createVolume("v", new VolumeFormat((long) CHUNKS * CHUNK, 512, 4096));
        write("v", 1);
        settle();
        pool.snapshot("v", "s");
        pool.delete("s");
        settle();
        assertThat(pool.volumes()).hasSize(1);
    }
}
