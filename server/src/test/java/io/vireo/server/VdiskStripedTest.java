package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockStatus;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.Realization;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.MigrationSpec;
import io.vireo.resource.spec.VdiskSpec;
import io.vireo.resource.spec.VdiskSpec.Allocation;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On which disks of its pool a vDisk's chunks lie, as an operator says and may change. */
@Timeout(120)
class VdiskStripedTest {
    private static final Metadata METADATA = Metadata.of("disk0", "disk0");
    private static final int CHUNK = 64 << 10;
    private static final int CHUNKS = 16;

    /** What each chunk that is written begins with. */
    private static final long MARK = 0x5EED_0F5A_C40A_11FDL;

    @TempDir private Path directory;
    private PoolBed bed;

    @BeforeEach
    void begin() {
        bed = new PoolBed(directory);
        openPools(false);
    }

    private void openPools(boolean provisioned) {
        bed.open(bed.pools, "main", bed.spec("a", "b"), provisioned);
        bed.open(bed.pools, "other", bed.spec("c", "d"), provisioned);
    }

    @AfterEach
    void end() throws InterruptedException {
        bed.closeAll();
        bed.close();
    }

    private static VdiskSpec on(String pool, Optional<Boolean> striped) {
        return on(pool, striped, Optional.empty());
    }

    private static VdiskSpec on(
            String pool, Optional<Boolean> striped, Optional<MigrationSpec> migration) {
        return PoolBed.vdisk(pool, PoolBed.SIZE, Allocation.THIN, migration, striped);
    }

    private void change(VdiskSpec from, VdiskSpec to) {
        bed.change(bed.vdisks, METADATA, from, to);
    }

    private Realization vdisk() {
        return bed.running(Kinds.VDISK, METADATA.name());
    }

    private void awaitMoved() {
        Eventually.until(() -> vdisk().status().conditions().isEmpty());
    }

    /** Writes a megabyte, the first, the second and so on. */
    private void write(int at) {
        BlockDevice device = vdisk().contract(BlockDevice.class).orElseThrow();
        try (var client = new BlockClient(device, device.home().orElseThrow())) {
            for (int i = at * CHUNKS; i < (at + 1) * CHUNKS; i++) {
                byte[] data = ByteBuffer.allocate(CHUNK).putLong(MARK).putLong(i).array();
                assertThat(client.write((long) i * CHUNK, data)).isEqualTo(BlockStatus.OK);
            }
        }
    }

    /** How many of the chunks that were written are on each of the disks. */
    private List<Integer> on(String... disks) {
        return Stream.of(disks).map(disk -> marks(directory.resolve(disk))).toList();
    }

    private static int marks(Path disk) {
        int found = 0;
        byte[] block = new byte[4096];
        try (InputStream in = Files.newInputStream(disk)) {
            while (in.readNBytes(block, 0, block.length) == block.length) {
                found += ByteBuffer.wrap(block).getLong() == MARK ? 1 : 0;
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return found;
    }

    private void assertStriped(String striped) {
        assertThat(vdisk().status().attributes()).containsEntry("striped", striped);
    }

    @Test
    void itIsAsItsPoolSaysIfItSaysNothing() {
        VdiskSpec silent = on("main", Optional.empty());
        bed.open(bed.vdisks, METADATA, silent, false);
        assertStriped("true");
        write(0);
        assertThat(on("a", "b")).containsExactly(CHUNKS / 2, CHUNKS / 2);
        VdiskSpec row = on("main", Optional.of(false));
        change(silent, row);
        assertStriped("false");
        write(1);
        assertThat(on("a", "b")).containsExactly(CHUNKS / 2 + CHUNKS, CHUNKS / 2);
        change(row, silent);
        assertStriped("true");
        write(2);
        assertThat(on("a", "b")).containsExactly(2 * CHUNKS, CHUNKS);
    }

    @Test
    void itGoesAlongWithAMoveAndIsKeptOverARestart() throws InterruptedException {
        VdiskSpec row = on("main", Optional.of(false));
        VdiskSpec moved = on("other", Optional.of(false));
        bed.open(bed.vdisks, METADATA, row, false);
        write(0);
        assertThat(on("a", "b")).containsExactly(CHUNKS, 0);
        change(row, moved);
        awaitMoved();
        assertThat(on("c", "d")).containsExactly(CHUNKS, 0);
        write(1);
        assertThat(on("c", "d")).containsExactly(2 * CHUNKS, 0);
        bed.closeAll();
        openPools(true);
        bed.open(bed.vdisks, METADATA, moved, true);
        assertStriped("false");
        write(2);
        assertThat(on("c", "d")).containsExactly(3 * CHUNKS, 0);
    }

    /** What has been copied stays where it is; the rest goes where it is to go by then. */
    @Test
    void itCanChangeOnTheWay() {
        VdiskSpec row = on("main", Optional.of(false));
        var slowly = Optional.of(new MigrationSpec(Optional.of(new Quantity(1))));
        VdiskSpec moving = on("other", Optional.of(false), slowly);
        bed.open(bed.vdisks, METADATA, row, false);
        for (int i = 0; i < 4; i++) {
            write(i);
        }
        change(row, moving);
        Eventually.until(() -> on("c", "d").getFirst() > 0);
        change(moving, on("other", Optional.of(true)));
        awaitMoved();
        List<Integer> after = on("c", "d");
        assertThat(after.getFirst() + after.getLast()).isEqualTo(4 * CHUNKS);
        assertThat(after.getLast()).isPositive();
    }

    @Test
    void poolsThatHaveNoDisksToChooseFromRefuseIt() {
        bed.open(bed.pools, "files", PoolBed.images(directory.resolve("files")), false);
        PoolBed.assertFails(
                ErrorCode.UNSUPPORTED,
                "pool files has no disks among which a vDisk's chunks could be divided: only pools of type disks have; leave striped out",
                () -> bed.open(bed.vdisks, METADATA, on("files", Optional.of(true)), false));
        VdiskSpec row = on("main", Optional.of(false));
        bed.open(bed.vdisks, METADATA, row, false);
        PoolBed.assertFails(
                ErrorCode.UNSUPPORTED,
                "leave striped out",
                () -> change(row, on("files", Optional.of(false))));
        change(row, on("files", Optional.empty()));
        awaitMoved();
        assertThat(vdisk().status().attributes()).doesNotContainKey("striped");
    }
}
