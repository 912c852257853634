package io.vireo.server;

import static io.vireo.server.PoolBed.DISK;
import static io.vireo.server.PoolBed.SIZE;
import static io.vireo.server.PoolBed.assertFails;
import static io.vireo.server.PoolBed.read;
import static io.vireo.server.PoolBed.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockStatus;
import io.vireo.linux.FileStat;
import io.vireo.linux.PathCalls;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.Realization;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.DisksSpec;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.resource.spec.SnapshotSpec;
import io.vireo.resource.spec.VdiskSpec;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Pools on disks of the host, with their vDisks and snapshots, as an operator declares them. */
@Timeout(120)
class DisksPoolTest {
    @TempDir Path directory;

    private PoolBed bed;

    @BeforeEach
    void prepare() {
        bed = new PoolBed(directory);
    }

    @AfterEach
    void close() {
        bed.close();
    }

    private static PoolSpec spec(Path... disks) {
        return PoolBed.spec(
                false,
                Arrays.stream(disks)
                        .map(disk -> PoolBed.member(disk, DISK))
                        .toArray(DisksSpec.Member[]::new));
    }

    private static VdiskSpec vdisk(Optional<String> snapshot, VdiskSpec.Allocation allocation) {
        return new VdiskSpec(
                "main",
                new Quantity(SIZE),
                512,
                4096,
                allocation,
                snapshot,
                Optional.empty(),
                Optional.empty());
    }

    private static VdiskSpec empty() {
        return vdisk(Optional.empty(), VdiskSpec.Allocation.THIN);
    }

    private BlockDevice openVdisk(String name, VdiskSpec spec, boolean provisioned) {
        return bed.open(bed.vdisks, name, spec, provisioned)
                .contract(BlockDevice.class)
                .orElseThrow();
    }

    private void openSnapshot(String name, String of, boolean provisioned) {
        bed.open(bed.snapshots, name, new SnapshotSpec(of, Optional.empty()), provisioned);
    }

    @Test
    void snapshotsAndClonesOutliveTheDaemon() throws Exception {
        PoolSpec pool = spec(directory.resolve("a"), directory.resolve("b"));
        bed.openPool(pool, false);
        BlockDevice disk = openVdisk("web1", empty(), false);
        write(disk, 1 << 20, "first");
        openSnapshot("monday", "web1", false);
        write(disk, 1 << 20, "second");
        VdiskSpec cloned = vdisk(Optional.of("monday"), VdiskSpec.Allocation.THIN);
        BlockDevice clone = openVdisk("web2", cloned, false);
        assertThat(read(clone, 1 << 20)).isEqualTo("first");
        write(clone, 2 << 20, "own");

        bed.close(Kinds.VDISK, "web2");
        bed.close(Kinds.SNAPSHOT, "monday");
        bed.close(Kinds.VDISK, "web1");
        bed.close(Kinds.POOL, "main");
        bed.openPool(pool, true);
        disk = openVdisk("web1", empty(), true);
        openSnapshot("monday", "web1", true);
        clone = openVdisk("web2", cloned, true);
        assertThat(List.of(read(disk, 1 << 20), read(disk, 2 << 20), read(disk, 3 << 20)))
                .containsExactly("second", "", "");
        assertThat(List.of(read(clone, 1 << 20), read(clone, 2 << 20)))
                .containsExactly("first", "own");

        bed.close(Kinds.SNAPSHOT, "monday");
        bed.snapshots.destroy(
                Metadata.of("monday", "monday"),
                new SnapshotSpec("web1", Optional.empty()),
                bed.context(true));
        assertThat(read(clone, 1 << 20)).isEqualTo("first");
        bed.close(Kinds.VDISK, "web1");
        bed.vdisks.destroy(Metadata.of("web1", "web1"), empty(), bed.context(true));
        assertThat(read(clone, 2 << 20)).isEqualTo("own");
        bed.close(Kinds.VDISK, "web2");
        bed.close(Kinds.POOL, "main");
    }

    @Test
    void whatWasMadeIsNeverMadeAnew() throws Exception {
        PoolSpec pool = spec(directory.resolve("a"));
        bed.openPool(pool, false);
        openVdisk("web1", empty(), false);
        assertFails(ErrorCode.UNAVAILABLE, "holds no web2", () -> openVdisk("web2", empty(), true));
        bed.close(Kinds.VDISK, "web1");
        bed.close(Kinds.POOL, "main");
        Files.delete(directory.resolve("a"));
        assertFails(ErrorCode.UNAVAILABLE, "is not there", () -> bed.openPool(pool, true));
    }

    @Test
    void anAttemptThatWasCutOffIsTakenOver() throws Exception {
        PoolSpec pool = spec(directory.resolve("a"), directory.resolve("b"));
        bed.openPool(pool, false);
        bed.close(Kinds.POOL, "main");
        bed.openPool(pool, false);
        BlockDevice disk = openVdisk("web1", empty(), false);
        openVdisk("web1", empty(), false);
        write(disk, 0, "data");
        assertFails(ErrorCode.CONFLICT, "with data in it", () -> openVdisk("web1", empty(), false));
        bed.close(Kinds.VDISK, "web1");
        bed.close(Kinds.POOL, "main");
        assertFails(ErrorCode.CONFLICT, "hold a pool with 1", () -> bed.openPool(pool, false));
    }

    @Test
    void disksOfOthersAreLeftAlone() throws Exception {
        Path foreign = directory.resolve("foreign");
        Files.writeString(foreign, "x".repeat(1 << 20));
        byte[] before = Files.readAllBytes(foreign);
        assertFails(
                ErrorCode.CONFLICT,
                "has something on it",
                () -> bed.openPool(spec(foreign), false));
        assertThat(Files.readAllBytes(foreign)).isEqualTo(before);
        assertFails(
                ErrorCode.INVALID,
                "neither a block device nor",
                () -> bed.openPool(spec(Path.of("/dev/null")), false));
    }

    @Test
    void aPoolIsOpenOnce() throws Exception {
        PoolSpec pool = spec(directory.resolve("a"));
        bed.openPool(pool, false);
        assertFails(
                ErrorCode.IN_USE,
                "locked by another process",
                () -> bed.pools.realize(Metadata.of("twin", "t"), pool, bed.context(true)));
        bed.close(Kinds.POOL, "main");
    }

    @Test
    void aBlockDeviceIsAMemberAndNobodyReadsWhatWasOnIt() throws Exception {
        // Blank where signatures are, and full of what somebody else left.
        byte[] bytes = new byte[Math.toIntExact(DISK)];
        Arrays.fill(bytes, 1 << 20, bytes.length, (byte) 'x');
        Path file = Files.write(directory.resolve("backing"), bytes);
        String loop = run("losetup", "--find", "--show", file.toString()).strip();
        try {
            PoolSpec pool = spec(Path.of(loop));
            bed.openPool(pool, false);
            BlockDevice vdisk = openVdisk("web1", empty(), false);
            write(vdisk, 4096, "on a device");
            assertThat(read(vdisk, 8192)).as("what was never written").isEmpty();
            bed.close(Kinds.VDISK, "web1");
            bed.close(Kinds.POOL, "main");
            bed.openPool(pool, true);
            assertThat(read(openVdisk("web1", empty(), true), 4096)).isEqualTo("on a device");
            bed.close(Kinds.VDISK, "web1");
            bed.close(Kinds.POOL, "main");
        } finally {
            run("losetup", "--detach", loop);
        }
    }

    private static String run(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        var output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        return output;
    }

    private static String attribute(Realization pool, String name) {
        return Objects.requireNonNullElse(pool.status().attributes().get(name), "");
    }

    private static long bytes(Realization pool, String name) {
        return Long.parseLong(attribute(pool, name));
    }

    private static void awaitAttribute(Realization pool, String name, long value) {
        Eventually.until(name + " is " + value, () -> bytes(pool, name) == value);
    }

    @ParameterizedTest
    @ValueSource(longs = {16 << 10, 1 << 20})
    void aPoolHasTheGrainThatItIsGiven(long bytes) throws Exception {
        DisksSpec.Member disk = PoolBed.member(directory.resolve("a"), DISK);
        PoolSpec pool = PoolBed.withChunks(bytes, disk);
        assertThat(bed.pools.validate(Metadata.of("main", "main"), pool)).isEmpty();
        for (boolean provisioned : new boolean[] {false, true}) {
            BlockPool room =
                    bed.openPool(pool, provisioned).contract(BlockPool.class).orElseThrow();
            assertThat(room.roomFor(1, false)).isEqualTo(bytes);
            BlockDevice vdisk = openVdisk("web1", empty(), provisioned);
            if (!provisioned) {
                write(vdisk, 3 << 20, "data");
            }
            assertThat(read(vdisk, 3 << 20)).isEqualTo("data");
            assertThat(read(vdisk, (3 << 20) - 4096)).isEmpty();
            bed.close(Kinds.VDISK, "web1");
            bed.close(Kinds.POOL, "main");
        }
        for (long wrong : new long[] {8 << 10, 48 << 10, 2 << 20}) {
            assertThat(
                            bed.pools.validate(
                                    Metadata.of("main", "m"), PoolBed.withChunks(wrong, disk)))
                    .containsExactly(
                            new Violation(
                                    "/spec/disks/chunkSize",
                                    "must be a power of two from 16Ki to 1Mi"));
        }
    }

    @Test
    void aDiskIsNamedOnce() {
        Path disk = directory.resolve("a");
        PoolSpec twice = spec(disk, directory.resolve("b"), disk);
        assertThat(bed.pools.validate(Metadata.of("main", "m"), twice))
                .containsExactly(
                        new Violation(
                                "/spec/disks/members/2/path",
                                "is there already; name each disk once"));
    }

    @Test
    void roomIsShownAndReserved() throws Exception {
        Realization pool = bed.openPool(spec(directory.resolve("a")), false);
        VdiskSpec thick = vdisk(Optional.empty(), VdiskSpec.Allocation.THICK);
        BlockPool room = pool.contract(BlockPool.class).orElseThrow();
        long free = room.space().freeBytes();
        openVdisk("web1", thick, false);
        // What is reserved is nobody else's, written to or not.
        Eventually.until("the room is taken", () -> free - room.space().freeBytes() >= SIZE);
        assertThat(free - room.space().freeBytes()).isLessThan(SIZE + (1 << 20));
        assertThat(room.roomFor(1, false)).isEqualTo(64 << 10);
        // A thousand chunks, 19 pages of checksums and two of the map: one chunk more.
        assertThat(room.roomFor(64 << 20, true)).isEqualTo(1025 * (64 << 10));
        assertFails(ErrorCode.EXHAUSTED, "", () -> openVdisk("web2", thick, false));
        BlockDevice thin = openVdisk("web3", empty(), false);
        write(thin, 0, "some");
        // A disk without its first MiB and the journal.
        awaitAttribute(pool, "capacityBytes", DISK - (17 << 20));
        awaitAttribute(pool, "logicalBytes", 2 * SIZE);
        Eventually.until("what is written is allocated", () -> bytes(pool, "allocatedBytes") > 0);
        assertThat(bytes(pool, "allocatedBytes")).isBetween(64L << 10, 1L << 20);
        Eventually.until(
                "what is not allocated is saved",
                () -> bytes(pool, "savedBytes") == 2 * SIZE - bytes(pool, "allocatedBytes"));
        Eventually.until(
                "what is free is shown",
                () -> bytes(pool, "freeBytes") == room.space().freeBytes());
        bed.close(Kinds.VDISK, "web3");
        bed.close(Kinds.VDISK, "web1");
        bed.close(Kinds.POOL, "main");
    }

    /** Bytes that a file takes on the disk below. */
    private static long room(Path file) {
        try {
            return FileStat.of(PathCalls.AT_FDCWD, file.toString()).blocks() * 512;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void fill(BlockDevice disk, long size) {
        byte[] data = new byte[1 << 20];
        Arrays.fill(data, (byte) 1);
        try (var client = new BlockClient(disk, disk.home().orElseThrow())) {
            for (long at = 0; at < size; at += data.length) {
                assertThat(client.write(at, data)).isEqualTo(BlockStatus.OK);
            }
            assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.OK);
        }
    }

    /** What is not in use any more takes no room of the host either, which others may need. */
    @Test
    void whatIsFreedTakesNoRoomOfTheHost() throws Exception {
        Path file = directory.resolve("a");
        // Most of the disk, so that it shows whatever else has room.
        long size = 40 << 20;
        bed.openPool(spec(file), false);
        VdiskSpec spec = PoolBed.vdisk(size);
        BlockDevice disk = openVdisk("web1", spec, false);
        for (var operation : List.of(BlockOperation.DISCARD, BlockOperation.WRITE_ZEROES)) {
            fill(disk, size);
            assertThat(room(file)).isGreaterThanOrEqualTo(size);
            try (var client = new BlockClient(disk, disk.home().orElseThrow())) {
                boolean unmap = operation == BlockOperation.WRITE_ZEROES;
                var freed = client.start(operation, 0, size, request -> request.unmap(unmap));
                assertThat(BlockClient.await(freed)).isEqualTo(BlockStatus.OK);
            }
            Eventually.until("%s frees room".formatted(operation), () -> room(file) <= DISK - size);
        }
        fill(disk, size);
        assertThat(room(file)).isGreaterThanOrEqualTo(size);
        bed.close(Kinds.VDISK, "web1");
        bed.vdisks.destroy(Metadata.of("web1", "web1"), spec, bed.context(true));
        Eventually.until("a deletion frees room", () -> room(file) <= DISK - size);
        bed.close(Kinds.POOL, "main");
        assertThat(Files.size(file)).isEqualTo(DISK);
    }
}
