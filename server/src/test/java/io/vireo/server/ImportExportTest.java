package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.adapter.directory.DirectoryPoolProvider;
import io.vireo.adapter.image.ImageFiles;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.DiskImages;
import io.vireo.block.ExclusiveUse;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.PoolQuotas;
import io.vireo.fabric.storage.VdiskKind;
import io.vireo.fabric.storage.qos.PoolQos;
import io.vireo.fabric.storage.transfer.VdiskExportKind;
import io.vireo.linux.OpenFiles;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.Condition;
import io.vireo.resource.DurableState;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.DiskImageFormat;
import io.vireo.resource.spec.DiskSourceSpec;
import io.vireo.resource.spec.VdiskExportSpec;
import io.vireo.resource.spec.VdiskSpec;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.Eventually;
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
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Disks come from image files and go there, through the real kinds, pool, files and reactors. */
@SuppressWarnings("NullAway.Init") // open() runs before each test
final class ImportExportTest {
    private static final int SIZE = 4 << 20;
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final Reference VDISK = new Reference("Vdisk", "disk");

    @TempDir Path directory;

    private final MemoryState state = new MemoryState();
    private final Random random = new Random(SEED);
    private final VdiskKind vdisks = new VdiskKind();
    private final VdiskExportKind exports = new VdiskExportKind();
    private final Map<Reference, Realization> running = new HashMap<>();
    private final PoolQos qos = new PoolQos("main", 0, Optional.empty(), System::nanoTime);
    private ReactorGroup reactors;
    private Path images;
    private BlockPool pool;

    @BeforeEach
    void open() throws IOException {
        reactors = ReactorGroup.start(List.of(-1), PollMode.ADAPTIVE);
        images = Files.createDirectory(directory.resolve("images"));
        var spec = PoolBed.images(directory.resolve("pool"));
        pool = new DirectoryPoolProvider().open(spec, true);
    }

    @AfterEach
    void close() {
        List.copyOf(running.keySet()).forEach(this::stop);
        pool.close();
        reactors.close();
    }

    private RealizeContext context(boolean provisioned) {
        return new RealizeContext() {
            @Override
            public <T> T require(Reference reference, Class<T> contract) {
                if (contract == BlockPool.class) {
                    return contract.cast(pool);
                }
                if (contract == PoolQuotas.class) {
                    return contract.cast(new PoolQuotas("main", pool));
                }
                return contract == PoolQos.class
                        ? contract.cast(qos)
                        : Objects.requireNonNull(running.get(reference))
                                .contract(contract)
                                .orElseThrow();
            }

            @Override
            public <T> T service(Class<T> type) {
                if (type == DurableState.class) {
                    return type.cast(state);
                }
                return type == DiskImages.class
                        ? type.cast(new ImageFiles(images))
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

    private static VdiskSpec vdisk(
            String file, DiskImageFormat format, long size, @Nullable String rate) {
        var source =
                new DiskSourceSpec(file, format, Optional.ofNullable(rate).map(Quantity::parse));
        return new VdiskSpec(
                "main",
                new Quantity(size),
                512,
                4096,
                VdiskSpec.Allocation.THIN,
                Optional.empty(),
                Optional.empty(),
                Optional.of(source));
    }

    private static VdiskSpec writethrough(VdiskSpec spec) {
        return new VdiskSpec(
                spec.pool(),
                spec.size(),
                spec.blockSize(),
                spec.physicalBlockSize(),
                spec.allocation(),
                spec.snapshot(),
                spec.qosPolicy(),
                spec.source(),
                spec.encrypted(),
                spec.migration(),
                spec.checksums(),
                spec.zeroDetection(),
                spec.striped(),
                VdiskSpec.CacheMode.WRITETHROUGH);
    }

    private static VdiskExportSpec export(
            String file, DiskImageFormat format, @Nullable String rate) {
        return new VdiskExportSpec(
                "disk", file, format, Optional.ofNullable(rate).map(Quantity::parse));
    }

    private Realization start(VdiskSpec spec, boolean provisioned) {
        Realization vdisk = vdisks.realize(Metadata.of("disk", "1"), spec, context(provisioned));
        running.put(VDISK, vdisk);
        return vdisk;
    }

    private void stop(Reference reference) {
        var closed = new CountDownLatch(1);
        Objects.requireNonNull(running.remove(reference)).close(closed::countDown);
        try {
            assertThat(closed.await(PATIENCE_NANOS, TimeUnit.NANOSECONDS)).isTrue();
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    private static boolean isReady(Realization realization) {
        return realization.status().conditions().stream()
                .noneMatch(condition -> condition.type().equals(Condition.READY));
    }

    private byte[] contents(Realization vdisk) {
        BlockDevice device = vdisk.contract(BlockDevice.class).orElseThrow();
        try (var client = new BlockClient(device, reactors.next())) {
            return client.read(0, SIZE);
        }
    }

    private byte[] image(String file, int size) throws IOException {
        byte[] data = new byte[SIZE];
        byte[] piece = new byte[size / 4];
        random.nextBytes(piece);
        System.arraycopy(piece, 0, data, size / 2, piece.length);
        random.nextBytes(piece);
        System.arraycopy(piece, 0, data, 0, piece.length / 2);
        Files.write(images.resolve(file), Arrays.copyOf(data, size));
        return data;
    }

    private String run(String... command) throws IOException, InterruptedException {
        var process =
                new ProcessBuilder(command)
                        .directory(images.toFile())
                        .redirectErrorStream(true)
                        .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s: %s", List.of(command), output).isZero();
        return output;
    }

    private boolean isThere(String file) {
        return Files.exists(directory.resolve("pool").resolve(file));
    }

    @Test
    void aVdiskBeginsWithAnImageAndBecomesOne() throws Exception {
        byte[] disk = image("in.raw", 3 << 20);
        run("qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", "in.raw", "in.qcow2");
        Realization vdisk = start(vdisk("in.qcow2", DiskImageFormat.QCOW2, SIZE, null), false);
        Eventually.until(() -> isReady(vdisk));
        assertThat(vdisk.status().attributes())
                .containsEntry("import", "100%")
                .doesNotContainKeys("job", "rate", "timeLeft");
        assertThat(contents(vdisk)).as("seed %d", SEED).isEqualTo(disk);
        assertThat(isThere("disk.import.raw")).isFalse();
        for (var format : DiskImageFormat.values()) {
            String file = "out." + format;
            var reference = new Reference("VdiskExport", file);
            var spec = export(file, format, null);
            var export = exports.realize(Metadata.of("e", "2"), spec, context(false));
            running.put(reference, export);
            Eventually.until(() -> isReady(export));
            assertThat(export.status().attributes()).containsEntry("progress", "100%");
            stop(reference);
        }
        run("qemu-img", "check", "-f", "qcow2", "out.QCOW2");
        run("qemu-img", "compare", "-f", "qcow2", "-F", "raw", "out.QCOW2", "out.RAW");
        assertThat(Files.readAllBytes(images.resolve("out.RAW"))).isEqualTo(disk);
        // The vDisk is free for a server, and is not imported again.
        vdisk.contract(ExclusiveUse.class).orElseThrow().claim("web1", false).release();
        stop(VDISK);
        Files.delete(images.resolve("in.qcow2"));
        var again = start(vdisk("in.qcow2", DiskImageFormat.QCOW2, SIZE, null), true);
        assertThat(isReady(again)).isTrue();
    }

    @Test
    void anImportIsFlushedAtItsEndWhateverTheCacheMode() throws Exception {
        byte[] disk = image("in.raw", SIZE);
        var spec = writethrough(vdisk("in.raw", DiskImageFormat.RAW, SIZE, "512Ki"));
        Realization vdisk = start(spec, false);
        Eventually.until(() -> !"0%".equals(vdisk.status().attributes().get("import")));
        assertThat(vdisk.status().attributes()).containsEntry("cacheMode", "writeback");
        Eventually.until(() -> isReady(vdisk));
        BlockDevice device = vdisk.contract(BlockDevice.class).orElseThrow();
        assertThat(device.writeThrough()).isTrue();
        assertThat(vdisk.status().attributes()).containsEntry("cacheMode", "writethrough");
        assertThat(contents(vdisk)).as("seed %d", SEED).isEqualTo(disk);
    }

    @Test
    void aHalfImportNeverBecomesADisk() throws Exception {
        image("in.raw", SIZE);
        var slow = vdisk("in.raw", DiskImageFormat.RAW, SIZE, "256Ki");
        Realization vdisk = start(slow, false);
        Eventually.until(() -> !"0%".equals(vdisk.status().attributes().get("import")));
        assertThat(vdisk.status().conditions().getFirst().reason()).isEqualTo("Importing");
        assertThat(vdisk.status().attributes()).containsEntry("job", "import");
        assertThat(vdisk.status().attributes().get("rate")).matches("[0-9.]+[KM]i/s");
        assertThat(vdisk.status().attributes().get("timeLeft")).matches("([0-9]+m)?[0-9]+s");
        for (var contract : List.of(BlockDevice.class, ExclusiveUse.class)) {
            assertThatExceptionOfType(ResourceException.class)
                    .isThrownBy(() -> vdisk.contract(contract))
                    .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_READY));
        }
        stop(VDISK);
        assertThat(isThere("disk.import.raw")).isTrue();

        // Killed before and after it counted as made; the image is another one by now.
        byte[] other = image("in.raw", 1 << 20);
        for (boolean provisioned : new boolean[] {false, true}) {
            Realization again = start(slow, provisioned);
            assertThat(isReady(again)).isFalse();
            stop(VDISK);
        }
        Realization last = start(vdisk("in.raw", DiskImageFormat.RAW, SIZE, null), true);
        Eventually.until(() -> isReady(last));
        assertThat(contents(last)).as("seed %d", SEED).isEqualTo(other);
    }

    @Test
    void anImportThatIsDeletedLeavesNothing() throws Exception {
        image("in.raw", SIZE);
        int before = OpenFiles.count();
        var slow = vdisk("in.raw", DiskImageFormat.RAW, SIZE, "256Ki");
        for (boolean provisioned : new boolean[] {true, false}) {
            Realization vdisk = start(slow, false);
            Eventually.until(() -> !"0%".equals(vdisk.status().attributes().get("import")));
            stop(VDISK);
            vdisks.destroy(Metadata.of("disk", "1"), slow, context(provisioned));
            assertThat(directory.resolve("pool")).isEmptyDirectory();
        }
        Eventually.until(() -> OpenFiles.count() <= before);
    }

    @Test
    void refusesBeforeAnythingIsMade() throws Exception {
        image("in.raw", SIZE);
        run("qemu-img", "create", "-f", "qcow2", "-b", "in.raw", "-F", "raw", "backed");
        assertRefused(
                vdisk("in.raw", DiskImageFormat.RAW, SIZE / 2, null),
                ErrorCode.INVALID,
                "set the size");
        assertRefused(
                vdisk("backed", DiskImageFormat.QCOW2, SIZE, null),
                ErrorCode.INVALID,
                "backing file");
        assertRefused(
                vdisk("none", DiskImageFormat.RAW, SIZE, null),
                ErrorCode.UNAVAILABLE,
                "no such file");
        assertThat(directory.resolve("pool")).isEmptyDirectory();
        // What another left under this name is not ours to write over.
        pool.create("disk", new VolumeFormat(SIZE, 512, 4096));
        Files.write(directory.resolve("pool/disk.raw"), new byte[] {1});
        assertRefused(
                vdisk("in.raw", DiskImageFormat.RAW, SIZE, null),
                ErrorCode.CONFLICT,
                "exists already");
        assertThat(isThere("disk.import.raw")).isFalse();
    }

    private void assertRefused(VdiskSpec spec, ErrorCode code, String message) {
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> start(spec, false))
                .withMessageContaining(message)
                .satisfies(e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void anExportWaitsForItsDiskAndHoldsIt() throws Exception {
        image("in.raw", SIZE);
        Realization vdisk = start(vdisk("in.raw", DiskImageFormat.RAW, SIZE, null), false);
        Eventually.until(() -> isReady(vdisk));
        ExclusiveUse use = vdisk.contract(ExclusiveUse.class).orElseThrow();
        var metadata = Metadata.of("nightly", "3");
        var reference = new Reference("VdiskExport", "nightly");
        var spec = export("out", DiskImageFormat.QCOW2, "256Ki");
        var writer = use.claim("web1.disk0", false);
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> exports.realize(metadata, spec, context(false)))
                .withMessageContaining("web1.disk0")
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.NOT_READY));
        writer.release();

        var export = exports.realize(metadata, spec, context(false));
        running.put(reference, export);
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> use.claim("web1.disk0", false))
                .withMessageContaining("export nightly");
        Eventually.until(() -> Files.exists(images.resolve("out.vireo-part")));
        stop(reference);
        assertThat(images.resolve("out.vireo-part")).doesNotExist();
        assertThat(images.resolve("out")).doesNotExist();
        use.claim("web1.disk0", false).release();

        Files.write(images.resolve("out"), new byte[1]);
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> exports.realize(metadata, spec, context(false)))
                .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CONFLICT));
        // A later daemon finds the file of an export that was started before: it is finished.
        var finished = exports.realize(metadata, spec, context(true));
        running.put(reference, finished);
        assertThat(isReady(finished)).isTrue();
    }

    @Test
    void anExportThatFailsIsTriedAgain() throws Exception {
        image("in.raw", SIZE);
        Realization vdisk = start(vdisk("in.raw", DiskImageFormat.RAW, SIZE, null), false);
        Eventually.until(() -> isReady(vdisk));
        var reference = new Reference("VdiskExport", "e");
        var spec = export("sub/out", DiskImageFormat.QCOW2, null);
        var export = exports.realize(Metadata.of("e", "4"), spec, context(false));
        running.put(reference, export);
        Eventually.until(() ->
                export.status().conditions().stream()
                        .anyMatch(condition -> condition.reason().equals("ExportingFailed")));
        assertThat(export.status().conditions().getFirst().message())
                .contains("there is no directory");
        Files.createDirectory(images.resolve("sub"));
        Eventually.until(() -> isReady(export));
        run("qemu-img", "check", "-f", "qcow2", "sub/out");
    }
}
