package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A volume grows under requests that go up to its end, inside of a block. */
class GrowingVolumesTest {
    private static final int SECTOR = 512;
    private static final int END = (16 << 10) + SECTOR;

    private final Reactor home = Reactor.stepped("growing");
    private final SimulatedDisk disk =
            new SimulatedDisk(0, new DiskImage(8 << 20), new DiskLog(), 1, false);
    private StoragePool pool;
    private SteppedClient client;

    @BeforeEach
    void open() {
        disk.logging(false);
        StoragePool.create(PoolStore.CONFIG, List.of(disk), home);
        var options =
                new PoolOptions(Duration.ofSeconds(1), Duration.ofDays(1), new PoolEvents() {});
        pool = StoragePool.open(List.of(disk), home, options);
        pool.createVolume("a", new VolumeFormat(END, SECTOR, 4096, false, true));
        client = new SteppedClient(pool.device("a"), home);
    }

    @AfterEach
    void close() {
        client.close();
        pool.abandon();
        home.close();
    }

    private static byte[] sector(int value) {
        byte[] data = new byte[SECTOR];
        Arrays.fill(data, (byte) value);
        return data;
    }

    private void write(int value) {
        assertThat(client.await(client.write(END - SECTOR, sector(value), false)))
                .isEqualTo(BlockStatus.OK);
    }

    /** The next write of data takes longer than the growth. */
    private void holdUpTheNextWrite() {
        var slow = new AtomicBoolean(true);
        disk.faults(r ->
                r.operation() == BlockOperation.WRITE && slow.getAndSet(false)
                        ? new DiskFault.Delays(Duration.ofSeconds(3).toNanos())
                        : DiskFault.NONE);
    }

    @ParameterizedTest
    @EnumSource(names = {"WRITE_ZEROES", "DISCARD"})
    void whatIsZeroedUpToTheEndIsThatAlsoIfTheEndIsAnotherByThen(BlockOperation operation) {
        write(6);
        // In place, so that the blocks are marked.
        write(7);
        holdUpTheNextWrite();
        var before = client.write(END - SECTOR, sector(8), false);
        var erased = client.start(operation, END - SECTOR, SECTOR, r -> r.unmap(true));
        for (int i = 0; i < 5; i++) {
            home.step();
        }
        assertThat(before).isNotDone();
        pool.grow("a", END + SECTOR);
        assertThat(before).isNotDone();
        var behind = client.write(END, sector(9), false);
        assertThat(client.await(before)).isEqualTo(BlockStatus.OK);
        assertThat(client.await(erased)).isEqualTo(BlockStatus.OK);
        assertThat(client.await(behind)).isEqualTo(BlockStatus.OK);
        assertThat(client.read(END, SECTOR)).containsOnly(9);
        if (operation == BlockOperation.WRITE_ZEROES) {
            assertThat(client.read(END - SECTOR, SECTOR)).containsOnly(0);
        }
        assertThat(pool.trouble()).isEmpty();
    }
}
