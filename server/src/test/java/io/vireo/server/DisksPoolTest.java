package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.PoolKind;
import io.vireo.fabric.storage.SnapshotKind;
import io.vireo.fabric.storage.VdiskKind;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.DurableState;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.RuntimeDirectory;
import io.vireo.resource.Status;
import io.vireo.resource.spec.DisksSpec;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.resource.spec.SnapshotSpec;
import io.vireo.resource.spec.VdiskSpec;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryState;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Pools on disks of the host, with their vDisks and snapshots, as an operator declares them. */
@Timeout(120)
class DisksPoolTest {
    private static final long DISK = 64 << 20;
    private static final long SIZE = 32 << 20;

    @TempDir Path directory;

    private final ReactorGroup reactors = ReactorGroup.start(List.of(-1, -1), PollMode.INTERRUPT);
    private final MemoryState state = new MemoryState();
    private final Map<Reference, Realization> running = new HashMap<>();
    private final PoolKind pools = new PoolKind();
    private final VdiskKind vdisks = new VdiskKind();
    private final SnapshotKind snapshots = new SnapshotKind();

    @AfterEach
    void close() {
        reactors.close();
    }

    private RealizeContext context(boolean provisioned) {
        return new RealizeContext() {
            @Override
            public <T> T require(Reference reference, Class<T> contract) {
                return Objects.requireNonNull(running.get(reference), reference::toString)
                        .contract(contract)
                        .orElseThrow();
            }

            @Override
            public <T> T service(Class<T> type) {
                if (type == DurableState.class) {
                    return type.cast(state);
                }
                return type == RuntimeDirectory.class
                        ? type.cast(new RuntimeDirectory(directory))
                        : type.cast(reactors);
            }

            @Override
            public boolean provisioned() {
                return provisioned;
            }

            @Override
            public Runnable statusChanged() {
                return () -> {};
            }
        };
    }

    private PoolSpec spec(Path... disks) {
        var members =
                Arrays.stream(disks)
                        .map(path ->
                                new DisksSpec.Member(
                                        path.toString(), Optional.of(new Quantity(DISK)), false))
                        .toList();
        return new PoolSpec(
                PoolSpec.Type.DISKS,
                Optional.empty(),
                PoolSpec.Backend.AUTO,
                true,
                OptionalInt.empty(),
                Optional.empty(),
                Optional.of(
                        PoolBed.disksSpec(
                                false, 1, false, members.toArray(DisksSpec.Member[]::new))),
                80);
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

    private Realization openPool(PoolSpec spec, boolean provisioned) {
        var pool = pools.realize(Metadata.of("main", "p"), spec, context(provisioned));
        running.put(new Reference(Kinds.POOL, "main"), pool);
        return pool;
    }

    private BlockDevice openVdisk(String name, VdiskSpec spec, boolean provisioned) {
        var vdisk = vdisks.realize(Metadata.of(name, name), spec, context(provisioned));
        running.put(new Reference(Kinds.VDISK, name), vdisk);
        return vdisk.contract(BlockDevice.class).orElseThrow();
    }

    private void openSnapshot(String name, String of, boolean provisioned) {
        var snapshot =
                snapshots.realize(
                        Metadata.of(name, name),
                        new SnapshotSpec(of, Optional.empty()),
                        context(provisioned));
        running.put(new Reference(Kinds.SNAPSHOT, name), snapshot);
    }

    private void close(String kind, String name) throws InterruptedException {
        var closed = new CountDownLatch(1);
        Objects.requireNonNull(running.remove(new Reference(kind, name))).close(closed::countDown);
        assertThat(closed.await(60, TimeUnit.SECONDS)).isTrue();
    }

    private static BlockClient client(BlockDevice device) {
        return new BlockClient(device, device.home().orElseThrow());
    }

    private static void write(BlockDevice device, long offset, String text) {
        try (var client = client(device)) {
            assertThat(client.write(offset, block(text))).isEqualTo(BlockStatus.OK);
            assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.OK);
        }
    }

    private static byte[] block(String text) {
        return Arrays.copyOf(text.getBytes(StandardCharsets.US_ASCII), 4096);
    }

    private static String read(BlockDevice device, long offset) {
        try (var client = client(device)) {
            return new String(client.read(offset, 4096), StandardCharsets.US_ASCII)
                    .replace("\0", "");
        }
    }

    private static void assertFails(ErrorCode code, String hint, Runnable task) {
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(task::run)
                .withMessageContaining(hint)
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void snapshotsAndClonesOutliveTheDaemon() throws Exception {
        PoolSpec pool = spec(directory.resolve("a"), directory.resolve("b"));
        openPool(pool, false);
        BlockDevice disk = openVdisk("web1", empty(), false);
        write(disk, 1 << 20, "first");
        openSnapshot("monday", "web1", false);
        write(disk, 1 << 20, "second");
        VdiskSpec cloned = vdisk(Optional.of("monday"), VdiskSpec.Allocation.THIN);
        BlockDevice clone = openVdisk("web2", cloned, false);
        assertThat(read(clone, 1 << 20)).isEqualTo("first");
        write(clone, 2 << 20, "own");

        close(Kinds.VDISK, "web2");
        close(Kinds.SNAPSHOT, "monday");
        close(Kinds.VDISK, "web1");
        close(Kinds.POOL, "main");
        openPool(pool, true);
        disk = openVdisk("web1", empty(), true);
        openSnapshot("monday", "web1", true);
        clone = openVdisk("web2", cloned, true);
        assertThat(List.of(read(disk, 1 << 20), read(disk, 2 << 20), read(disk, 3 << 20)))
                .containsExactly("second", "", "");
        assertThat(List.of(read(clone, 1 << 20), read(clone, 2 << 20)))
                .containsExactly("first", "own");

        close(Kinds.SNAPSHOT, "monday");
        snapshots.destroy(
                Metadata.of("monday", "monday"),
                new SnapshotSpec("web1", Optional.empty()),
                context(true));
        assertThat(read(clone, 1 << 20)).isEqualTo("first");
        close(Kinds.VDISK, "web1");
        vdisks.destroy(Metadata.of("web1", "web1"), empty(), context(true));
        assertThat(read(clone, 2 << 20)).isEqualTo("own");
        close(Kinds.VDISK, "web2");
        close(Kinds.POOL, "main");
    }

    @Test
    void whatWasMadeIsNeverMadeAnew() throws Exception {
        PoolSpec pool = spec(directory.resolve("a"));
        openPool(pool, false);
        openVdisk("web1", empty(), false);
        assertFails(ErrorCode.UNAVAILABLE, "holds no web2", () -> openVdisk("web2", empty(), true));
        close(Kinds.VDISK, "web1");
        close(Kinds.POOL, "main");
        Files.delete(directory.resolve("a"));
        assertFails(ErrorCode.UNAVAILABLE, "is not there", () -> openPool(pool, true));
    }

    @Test
    void anAttemptThatWasCutOffIsTakenOver() throws Exception {
        PoolSpec pool = spec(directory.resolve("a"), directory.resolve("b"));
        openPool(pool, false);
        close(Kinds.POOL, "main");
        openPool(pool, false);
        BlockDevice disk = openVdisk("web1", empty(), false);
        openVdisk("web1", empty(), false);
        write(disk, 0, "data");
        assertFails(ErrorCode.CONFLICT, "with data in it", () -> openVdisk("web1", empty(), false));
        close(Kinds.VDISK, "web1");
        close(Kinds.POOL, "main");
        assertFails(ErrorCode.CONFLICT, "hold a pool with 1", () -> openPool(pool, false));
    }

    @Test
    void disksOfOthersAreLeftAlone() throws Exception {
        Path foreign = directory.resolve("foreign");
        Files.writeString(foreign, "x".repeat(1 << 20));
        byte[] before = Files.readAllBytes(foreign);
        assertFails(
                ErrorCode.CONFLICT, "has something on it", () -> openPool(spec(foreign), false));
        assertThat(Files.readAllBytes(foreign)).isEqualTo(before);
        assertFails(
                ErrorCode.INVALID,
                "neither a block device nor",
                () -> openPool(spec(Path.of("/dev/null")), false));
    }

    @Test
    void aPoolIsOpenOnce() throws Exception {
        PoolSpec pool = spec(directory.resolve("a"));
        openPool(pool, false);
        assertFails(
                ErrorCode.IN_USE,
                "locked by another process",
                () -> pools.realize(Metadata.of("twin", "t"), pool, context(true)));
        close(Kinds.POOL, "main");
    }

    @Test
    void aBlockDeviceIsAMember() throws Exception {
        Path file = directory.resolve("backing");
        try (var out =
                Files.newByteChannel(
                        file,
                        java.nio.file.StandardOpenOption.CREATE,
                        java.nio.file.StandardOpenOption.WRITE)) {
            out.position(DISK - 1);
            out.write(java.nio.ByteBuffer.allocate(1));
        }
        String loop = run("losetup", "--find", "--show", file.toString()).strip();
        try {
            PoolSpec pool = spec(Path.of(loop));
            openPool(pool, false);
            write(openVdisk("web1", empty(), false), 4096, "on a device");
            close(Kinds.VDISK, "web1");
            close(Kinds.POOL, "main");
            openPool(pool, true);
            assertThat(read(openVdisk("web1", empty(), true), 4096)).isEqualTo("on a device");
            close(Kinds.VDISK, "web1");
            close(Kinds.POOL, "main");
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

    @Test
    void roomIsShownAndReserved() throws Exception {
        Realization pool = openPool(spec(directory.resolve("a")), false);
        VdiskSpec thick = vdisk(Optional.empty(), VdiskSpec.Allocation.THICK);
        openVdisk("web1", thick, false);
        assertFails(ErrorCode.EXHAUSTED, "", () -> openVdisk("web2", thick, false));
        BlockDevice thin = openVdisk("web3", empty(), false);
        write(thin, 0, "some");
        Status status = pool.status();
        assertThat(status.attributes())
                .containsKeys("capacityBytes", "freeBytes", "allocatedBytes", "logicalBytes");
        close(Kinds.VDISK, "web3");
        close(Kinds.VDISK, "web1");
        close(Kinds.POOL, "main");
    }
}
