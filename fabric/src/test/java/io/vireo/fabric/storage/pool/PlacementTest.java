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
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** On which disk neighbouring chunks lie. */
class PlacementTest {
    private static final int CHUNK = 16 << 10;
    private static final int DISKS = 3;
    private static final long DISK = 2 << 20;

    private final Reactor home = Reactor.stepped("placement");

    /** The disks that were written to with whole chunks, in that order. */
    private final List<Integer> places = new ArrayList<>();

    @AfterEach
    void close() {
        home.close();
    }

    private void write(boolean striped, int chunks) {
        List<BlockDevice> disks = new ArrayList<>();
        for (int i = 0; i < DISKS; i++) {
            int number = i;
            var disk = new SimulatedDisk(i, new DiskImage(DISK), new DiskLog(), 1, true);
            disk.logging(false);
            disk.faults(request -> {
                if (request.operation() == BlockOperation.WRITE && request.length() == CHUNK) {
                    places.add(number);
                }
                return DiskFault.NONE;
            });
            disks.add(disk);
        }
        StoragePool.create(new PoolConfig(CHUNK, 64 << 10, striped, true), disks, home);
        StoragePool pool = StoragePool.open(disks, home, PoolStore.OPTIONS);
        pool.createVolume("disk", new VolumeFormat((long) chunks * CHUNK, 512, 4096));
        var client = new SteppedClient(pool.device("disk"), home);
        for (int i = 0; i < chunks; i++) {
            assertThat(client.await(client.write((long) i * CHUNK, new byte[CHUNK], false)))
                    .isEqualTo(BlockStatus.OK);
        }
        client.close();
        pool.abandon();
    }

    @Test
    void stripedChunksLieOnTheDisksInTurn() {
        write(true, 60);
        assertThat(places).hasSize(60);
        int first = places.getFirst();
        assertThat(places)
                .isEqualTo(IntStream.range(first, first + 60).mapToObj(i -> i % DISKS).toList());
    }

    @Test
    void sequentialChunksFillOneDiskAfterTheOther() {
        write(false, 120);
        assertThat(places).hasSize(120).isSorted().contains(0, 1);
    }
}
