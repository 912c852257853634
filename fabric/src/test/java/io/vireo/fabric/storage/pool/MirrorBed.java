package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.mirror.MirrorStatus;
import io.vireo.fabric.storage.mirror.MirrorStatus.LegState;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A pool of a mirror of two disks, with a volume of which the first chunk is written. */
abstract class MirrorBed {
    static final int CHUNK = 16 << 10;
    static final long DISK = 8 << 20;

    final Reactor home = Reactor.stepped("mirror-faults");
    final List<String> events = new ArrayList<>();
    final PoolOptions options =
            new PoolOptions(
                    Duration.ofSeconds(1),
                    Duration.ofDays(1),
                    new PoolEvents() {
                        @Override
                        public void degraded(String sentence) {
                            events.add(sentence);
                        }

                        @Override
                        public void redundant() {
                            events.add("redundant");
                        }
                    });
    SimulatedDisk[] disks = {disk(0), disk(1)};
    StoragePool pool;
    SteppedClient client;

    @BeforeEach
    void create() {
        StoragePool.create(PoolStore.CONFIG.withCopies(2), List.<BlockDevice>of(disks), home);
        open();
        pool.createVolume("v", new VolumeFormat(1 << 20, 512, 4096));
        client = new SteppedClient(pool.device("v"), home);
        assertThat(write(0, 1)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
    }

    @AfterEach
    void end() {
        for (SimulatedDisk disk : disks) {
            disk.faults(_ -> DiskFault.NONE);
            disk.comeBack();
        }
        close();
        home.close();
    }

    static SimulatedDisk disk(int number) {
        return disk(number, new DiskImage(DISK));
    }

    static SimulatedDisk disk(int number, DiskImage image) {
        var disk = new SimulatedDisk(number, image, new DiskLog(), 1, true);
        disk.logging(false);
        return disk;
    }

    private void open() {
        pool = StoragePool.open(List.<BlockDevice>of(disks), home, options);
    }

    void open(boolean alone, SimulatedDisk... here) {
        pool =
                StoragePool.open(
                        List.<BlockDevice>of(here),
                        home,
                        options.with(new MirrorOptions(alone, 0)));
        client = new SteppedClient(pool.device("v"), home);
    }

    void close() {
        client.close();
        pool.abandon();
    }

    BlockStatus write(int chunk, int value) {
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) value);
        return client.await(client.write((long) chunk * CHUNK, data, false));
    }

    BlockStatus flush() {
        return client.await(client.start(BlockOperation.FLUSH, 0, 0, _ -> {}));
    }

    void assertHolds(int chunk, int value) {
        assertThat(client.read((long) chunk * CHUNK, CHUNK)).containsOnly(value);
    }

    MirrorStatus mirror() {
        return pool.mirrors().getFirst();
    }

    List<LegState> states() {
        return mirror().legs().stream().map(MirrorStatus.Leg::state).toList();
    }

    void untilRedundant() {
        for (int i = 0; i < 100_000 && !mirror().isRedundant(); i++) {
            assertThat(home.step()).as("something is left to do").isPositive();
        }
        assertThat(mirror().isRedundant()).isTrue();
    }

    void assertEqualCopies() {
        close();
        for (long at = MirrorHeader.DATA; at < DISK; at += 4096) {
            assertThat(disks[1].contents().read(at, 4096))
                    .as("block at %d", at)
                    .isEqualTo(disks[0].contents().read(at, 4096));
        }
        open(false, disks);
    }

    void fail(int disk, BlockOperation operation, DiskFault fault) {
        disks[disk].faults(r -> r.operation() == operation ? fault : DiskFault.NONE);
    }

    /** The next request of a length that is no flush goes wrong, and no other. */
    void once(int disk, int length, DiskFault fault) {
        var armed = new AtomicBoolean(true);
        disks[disk].faults(
                r -> r.length() == length && armed.getAndSet(false) ? fault : DiskFault.NONE);
    }

    void heal() {
        for (SimulatedDisk disk : disks) {
            disk.faults(_ -> DiskFault.NONE);
        }
    }
}
