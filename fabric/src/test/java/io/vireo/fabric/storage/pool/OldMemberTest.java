package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ResourceException;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A member that was put back with what it held some time ago is not taken for one of today. */
class OldMemberTest {
    private static final int CHUNK = 16 << 10;
    private static final int CHUNKS = 8;

    private final Reactor home = Reactor.stepped("old-member");
    private List<SimulatedDisk> disks = new ArrayList<>();

    @BeforeEach
    void create() {
        for (int i = 0; i < 3; i++) {
            disks.add(disk(i, new DiskImage(8 << 20)));
        }
        StoragePool.create(PoolStore.CONFIG, devices(), home);
        StoragePool pool = open();
        pool.createVolume("a", new VolumeFormat((long) CHUNKS * CHUNK, 512, 4096));
        write(pool, 1);
        pool.close();
    }

    @AfterEach
    void close() {
        home.close();
    }

    private static SimulatedDisk disk(int number, DiskImage image) {
        var disk = new SimulatedDisk(number, image, new DiskLog(), 1, true);
        disk.logging(false);
        return disk;
    }

    private List<BlockDevice> devices() {
        return List.copyOf(disks);
    }

    private StoragePool open() {
        return StoragePool.open(devices(), home, PoolStore.OPTIONS);
    }

    private void write(StoragePool pool, int value) {
        byte[] data = new byte[CHUNKS * CHUNK];
        Arrays.fill(data, (byte) value);
        var client = new SteppedClient(pool.device("a"), home);
        assertThat(client.await(client.write(0, data, false))).isEqualTo(BlockStatus.OK);
        assertThat(client.await(client.start(BlockOperation.FLUSH, 0, 0, _ -> {})))
                .isEqualTo(BlockStatus.OK);
        client.close();
    }

    private void assertHolds(StoragePool pool, int value) {
        var client = new SteppedClient(pool.device("a"), home);
        assertThat(client.read(0, CHUNKS * CHUNK)).containsOnly(value);
        client.close();
    }

    @ParameterizedTest
    @CsvSource({"0, true", "1, true", "2, true", "0, false", "1, false", "2, false"})
    void isRefused(int member, boolean cleanly) {
        DiskImage old = disks.get(member).contents().fork();
        StoragePool pool = open();
        write(pool, 2);
        if (cleanly) {
            pool.close();
        } else {
            pool.checkpoint();
            pool.abandon();
        }
        SimulatedDisk today = disks.get(member);
        disks.set(member, disk(member, old));
        List<DiskImage> before = images();
        assertThatThrownBy(this::open)
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("member %d of pool".formatted(member))
                .hasMessageContaining("bring the disk back");
        assertThat(PoolCheck.run(devices(), home).findings())
                .singleElement()
                .asString()
                .contains("bring the disk back");
        for (int i = 0; i < disks.size(); i++) {
            assertThat(before.get(i).mismatch(disks.get(i).contents(), 0)).isNegative();
        }
        disks.set(member, today);
        StoragePool again = open();
        assertHolds(again, 2);
        again.close();
    }

    private List<DiskImage> images() {
        return disks.stream().map(disk -> disk.contents().fork()).toList();
    }

    /** However often superblocks reach only some of the members. */
    @Test
    void oneThatIsBehindByASuperblockGetsThatFirst() {
        for (int i = 0; i < 4; i++) {
            disks.get(1)
                    .faults(r ->
                            r.operation() == BlockOperation.WRITE
                                            && Arrays.stream(PoolFormat.SUPERBLOCKS)
                                                    .anyMatch(at -> at == r.offset())
                                    ? DiskFault.eio()
                                    : DiskFault.NONE);
            assertThatThrownBy(this::open).hasMessageContaining("could not be written");
        }
        disks.get(1).faults(_ -> DiskFault.NONE);
        StoragePool pool = open();
        assertHolds(pool, 1);
        pool.close();
        assertThat(PoolCheck.run(devices(), home).findings()).isEmpty();
    }
}
