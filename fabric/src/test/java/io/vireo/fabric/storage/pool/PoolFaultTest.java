package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ResourceException;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Members that fail or are damaged, and two owners. */
class PoolFaultTest {
    private static final int CHUNK = 16 << 10;
    private static final int JOURNAL = 64 << 10;
    private static final long RING = 1 << 20;

    private final Reactor home = Reactor.stepped("faults");
    private final MemoryBlockDevice disk = new MemoryBlockDevice(8 << 20, 512);
    private final List<BlockDevice> disks = List.of(disk);
    private StoragePool pool;
    private SteppedClient client;

    @BeforeEach
    void create() {
        StoragePool.create(new PoolConfig(CHUNK, JOURNAL, true, true), disks, home);
        open();
        pool.createVolume("v", new VolumeFormat(64 * CHUNK, 512, 4096));
        client = new SteppedClient(pool.device("v"), home);
    }

    @AfterEach
    void close() {
        disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
        client.close();
        pool.abandon();
        home.close();
        disk.close();
    }

    private void open() {
        pool = StoragePool.open(disks, home, PoolOptions.DEFAULT);
    }

    private void reopen() {
        client.close();
        pool.abandon();
        open();
        client = new SteppedClient(pool.device("v"), home);
    }

    private BlockStatus write(int chunk, int value) {
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) value);
        return client.await(client.write((long) chunk * CHUNK, data, false));
    }

    private BlockStatus flush() {
        return client.await(client.start(BlockOperation.FLUSH, 0, 0, _ -> {}));
    }

    private byte valueOf(int chunk) {
        return client.read((long) chunk * CHUNK, CHUNK)[CHUNK - 1];
    }

    private void fail(BlockOperation operation) {
        disk.fate(r ->
                r.operation() == operation
                        ? new MemoryBlockDevice.Fate.Ends(BlockStatus.IO_ERROR)
                        : MemoryBlockDevice.Fate.DONE);
    }

    /** Overwrites what is on the disk, behind the pool's back. */
    private void damage(long at, int length) {
        var raw = new SteppedClient(disk, home);
        byte[] junk = new byte[length];
        Arrays.fill(junk, (byte) 0x6B);
        assertThat(raw.await(raw.write(at, junk, false))).isEqualTo(BlockStatus.OK);
        raw.close();
    }

    @Test
    void aFlushThatFailedNeverBecomesASuccess() {
        assertThat(write(0, 1)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        assertThat(write(1, 2)).isEqualTo(BlockStatus.OK);
        fail(BlockOperation.FLUSH);
        assertThat(flush()).isEqualTo(BlockStatus.IO_ERROR);
        disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
        assertThat(flush()).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(write(0, 3)).isEqualTo(BlockStatus.IO_ERROR);
        assertThat(valueOf(0)).isEqualTo((byte) 1);
        assertThat(pool.trouble()).contains("restart Vireo");
        assertThatThrownBy(() -> pool.snapshot("v", "s")).isInstanceOf(ResourceException.class);
        reopen();
        assertThat(valueOf(0)).isEqualTo((byte) 1);
        assertThat(write(0, 3)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
    }

    @Test
    void aWriteThatFailedFailsAlone() {
        fail(BlockOperation.WRITE);
        assertThat(write(0, 1)).isEqualTo(BlockStatus.IO_ERROR);
        disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
        assertThat(valueOf(0)).isZero();
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        assertThat(pool.trouble()).isEmpty();
        reopen();
        assertThat(valueOf(0)).isEqualTo((byte) 2);
    }

    @Test
    void aJournalThatLostADurableGroupIsNotWrittenTo() {
        for (int i = 0; i < 4; i++) {
            assertThat(write(i, 7)).isEqualTo(BlockStatus.OK);
            assertThat(flush()).isEqualTo(BlockStatus.OK);
        }
        // The second block of the ring: a group in the middle.
        damage(RING + 4096, 512);
        assertThat(PoolCheck.run(disks, home).findings()).isNotEmpty();
        // The volume's creation is in the first group, which is whole.
        reopen();
        assertThat(pool.trouble()).contains("reading only");
        assertThat(write(0, 9)).isEqualTo(BlockStatus.IO_ERROR);
    }

    @Test
    void aTornTailOfTheJournalIsTheEndOfIt() {
        assertThat(write(0, 7)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        long end = pool.status().journalBytes();
        assertThat(write(1, 8)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        damage(RING + end + 64, 512);
        reopen();
        assertThat(pool.trouble()).isEmpty();
        assertThat(valueOf(0)).isEqualTo((byte) 7);
        assertThat(valueOf(1)).isZero();
    }

    @Test
    void damagedMetadataIsRefusedWithItsPlace() {
        assertThat(write(0, 7)).isEqualTo(BlockStatus.OK);
        pool.checkpoint();
        client.close();
        pool.close();
        long metadata = RING + JOURNAL;
        for (long at = metadata; at < 8 << 20; at += 4096) {
            byte[] block = disk.contents(at, 4);
            if (Arrays.equals(block, new byte[] {'V', 'S', 'M', 'P'})) {
                damage(at + 1024, 8);
            }
        }
        assertThat(PoolCheck.run(disks, home).findings())
                .singleElement()
                .asString()
                .contains("checksum");
        assertThatThrownBy(this::open)
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("checksum");
        // A new pool, for those who clean up.
        damage(0, 4096);
        damage(512 << 10, 4096);
        create();
    }

    @Test
    void oneSuperblockIsEnough() {
        assertThat(write(0, 7)).isEqualTo(BlockStatus.OK);
        client.close();
        pool.close();
        // The older one of the two: opening wrote generation 2, closing generation 3.
        damage(512 << 10, 4096);
        open();
        client = new SteppedClient(pool.device("v"), home);
        assertThat(valueOf(0)).isEqualTo((byte) 7);
    }

    @Test
    void whoLostThePoolToAnotherWritesNoMoreMaps() {
        assertThat(write(0, 7)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        StoragePool other = StoragePool.open(disks, home, PoolOptions.DEFAULT);
        assertThatThrownBy(pool::checkpoint).hasMessageContaining("another process");
        assertThat(pool.trouble()).contains("another process");
        assertThat(write(1, 8)).isEqualTo(BlockStatus.IO_ERROR);
        other.checkpoint();
        assertThat(other.trouble()).isEmpty();
        other.close();
    }

    @Test
    void noVolumeShowsWhatAnotherWrote() {
        for (int i = 0; i < 64; i++) {
            assertThat(write(i, 0xAA)).isEqualTo(BlockStatus.OK);
        }
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        client.close();
        pool.delete("v");
        for (int round = 0; round < 8; round++) {
            pool.createVolume("v", new VolumeFormat(64 * CHUNK, 512, 4096));
            client = new SteppedClient(pool.device("v"), home);
            for (int i = 0; i < 64; i++) {
                byte[] data = new byte[512];
                Arrays.fill(data, (byte) 0x11);
                long at = (long) i * CHUNK + 512L * (i % 32);
                assertThat(client.await(client.write(at, data, i % 8 == 0)))
                        .isEqualTo(BlockStatus.OK);
            }
            assertNoMarker();
            reopen();
            assertNoMarker();
            client.close();
            pool.delete("v");
        }
        pool.createVolume("v", new VolumeFormat(64 * CHUNK, 512, 4096));
        client = new SteppedClient(pool.device("v"), home);
    }

    @Test
    void whatADurableMapHasIsNotChangedThroughAnother() {
        assertThat(write(0, 1)).isEqualTo(BlockStatus.OK);
        assertThat(flush()).isEqualTo(BlockStatus.OK);
        pool.cloneVolume("v", "c");
        // The volume takes another chunk, which no flush makes durable. The clone is alone with
        // the old one then, but not after a loss of power.
        assertThat(write(0, 2)).isEqualTo(BlockStatus.OK);
        var clone = new SteppedClient(pool.device("c"), home);
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) 3);
        assertThat(clone.await(clone.write(0, data, false))).isEqualTo(BlockStatus.OK);
        clone.close();
        reopen();
        assertThat(valueOf(0)).isEqualTo((byte) 1);
    }

    private void assertNoMarker() {
        byte[] all = client.read(0, 64 * CHUNK);
        for (byte b : all) {
            assertThat(b == 0 || b == 0x11).isTrue();
        }
    }

    @Test
    void whatIsNoPoolOrHasAMemberMissingIsRefused() {
        var empty = new MemoryBlockDevice(4 << 20, 512);
        assertThatThrownBy(() -> StoragePool.open(List.of(empty), home, PoolOptions.DEFAULT))
                .hasMessageContaining("no superblock");
        assertThatThrownBy(() ->
                        StoragePool.create(new PoolConfig(CHUNK, JOURNAL, true, true), disks, home))
                .hasMessageContaining("belongs to a pool already");
        pool.addMember(empty, true);
        client.close();
        pool.close();
        assertThatThrownBy(this::open).hasMessageContaining("missing");
        pool = StoragePool.open(List.of(empty, disk), home, PoolOptions.DEFAULT);
        client = new SteppedClient(pool.device("v"), home);
        assertThat(write(3, 3)).isEqualTo(BlockStatus.OK);
        client.close();
        pool.close();
        pool = StoragePool.open(List.of(disk, empty), home, PoolOptions.DEFAULT);
        client = new SteppedClient(pool.device("v"), home);
        assertThat(valueOf(3)).isEqualTo((byte) 3);
    }

    @Test
    void namesAndSizesThatAreWrongAreRefused() {
        var format = new VolumeFormat(CHUNK, 512, 4096);
        assertThatThrownBy(() -> pool.createVolume("v", format)).hasMessageContaining("already");
        assertThatThrownBy(() -> pool.createVolume("", format)).hasMessageContaining("bytes");
        assertThatThrownBy(() -> pool.grow("v", 512)).hasMessageContaining("cannot shrink");
        assertThatThrownBy(() -> pool.delete("v")).hasMessageContaining("in use");
        assertThatThrownBy(() -> pool.delete("w")).hasMessageContaining("no volume w");
        assertThatThrownBy(() -> pool.rollback("v", "v")).hasMessageContaining("itself");
        assertThatThrownBy(() ->
                        pool.createDedicatedVolume("d", new VolumeFormat(64 << 20, 512, 4096)))
                .hasMessageMatching(
                        "the pool cannot reserve [0-9.]+Mi, .* are left; add a disk or delete volumes");
        pool.snapshot("v", "s");
        assertThatThrownBy(() -> pool.grow("s", 128 * CHUNK)).hasMessageContaining("snapshot");
        pool.rename("s", "t");
        assertThat(pool.volumes()).extracting(VolumeInfo::name).containsExactly("v", "t");
    }
}
