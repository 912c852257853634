package io.vireo.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockStatus;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.Realization;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.VdiskSpec;
import io.vireo.resource.spec.VdiskSpec.Allocation;
import io.vireo.resource.spec.VdiskSpec.CacheMode;
import io.vireo.testkit.BlockClient;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What an operator chooses for a vDisk while servers use it: zero detection, cache mode. On which
 * disks its chunks lie is in {@link VdiskStripedTest}.
 */
@Timeout(120)
class VdiskModesTest {
    private static final String DISK0 = "disk0";
    private static final Metadata METADATA = Metadata.of(DISK0, DISK0);
    private static final int ZEROES = 1 << 20;
    private static final int CHUNK = 64 << 10;

    @TempDir private Path directory;
    private PoolBed bed;

    @BeforeEach
    void begin() {
        bed = new PoolBed(directory);
        bed.open(bed.pools, "main", bed.spec("a"), false);
        bed.open(bed.pools, "other", bed.spec("b"), false);
        bed.open(bed.pools, "files", PoolBed.images(directory.resolve("files")), false);
    }

    @AfterEach
    void end() throws InterruptedException {
        bed.closeAll();
        bed.close();
    }

    private static VdiskSpec spec(String pool, Allocation allocation, boolean zeroDetection) {
        return spec(pool, allocation, zeroDetection, CacheMode.WRITEBACK);
    }

    private static VdiskSpec on(String pool, CacheMode cacheMode) {
        return spec(pool, Allocation.THIN, false, cacheMode);
    }

    private static VdiskSpec spec(
            String pool, Allocation allocation, boolean zeroDetection, CacheMode cacheMode) {
        return new VdiskSpec(
                pool,
                new Quantity(PoolBed.SIZE),
                512,
                4096,
                allocation,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                false,
                zeroDetection,
                Optional.empty(),
                cacheMode);
    }

    private static VdiskSpec on(String pool, boolean zeroDetection) {
        return spec(pool, Allocation.THIN, zeroDetection);
    }

    private void change(VdiskSpec from, VdiskSpec to) {
        bed.change(bed.vdisks, METADATA, from, to);
    }

    private BlockDevice device() {
        return bed.running(Kinds.VDISK, DISK0).contract(BlockDevice.class).orElseThrow();
    }

    /** Writes a megabyte, zeroes but for the first byte of each of the first chunks. */
    private void write(int at, int chunks) {
        BlockDevice device = device();
        try (var client = new BlockClient(device, device.home().orElseThrow())) {
            for (int i = 0; i < ZEROES / CHUNK; i++) {
                byte[] data = new byte[CHUNK];
                data[0] = (byte) (i < chunks ? 1 : 0);
                assertThat(client.write(at * (long) ZEROES + (long) i * CHUNK, data))
                        .isEqualTo(BlockStatus.OK);
            }
        }
    }

    private void awaitMapped(String pool, int chunks) {
        BlockPool there = bed.running(Kinds.POOL, pool).contract(BlockPool.class).orElseThrow();
        await(() -> there.mapped(DISK0, false).orElse(0) == (long) chunks * CHUNK);
    }

    private void await(BooleanSupplier event) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!event.getAsBoolean()) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            LockSupport.parkNanos(5_000_000);
        }
    }

    @Test
    void zeroDetectionChangesInUseAndGoesAlongWithAMove() {
        VdiskSpec off = on("main", false);
        VdiskSpec detects = on("main", true);
        VdiskSpec moved = on("other", true);
        bed.open(bed.vdisks, METADATA, off, false);
        write(0, 0);
        awaitMapped("main", 16);
        change(off, detects);
        write(1, 3);
        awaitMapped("main", 19);
        change(detects, moved);
        await(() -> bed.running(Kinds.VDISK, DISK0).status().conditions().isEmpty());
        // Blocks of zeroes were not copied.
        awaitMapped("other", 3);
        write(2, 2);
        awaitMapped("other", 5);
        change(moved, on("other", false));
        write(3, 0);
        awaitMapped("other", 21);
    }

    @Test
    void zeroDetectionIsRefusedWhereItDoesNothing() {
        assertThat(bed.vdisks.validate(METADATA, spec("main", Allocation.THICK, true)))
                .extracting(Violation::pointer)
                .containsExactly("/spec/zeroDetection");
        PoolBed.assertFails(
                ErrorCode.UNSUPPORTED,
                "pool files does not look for zeroes",
                () -> bed.open(bed.vdisks, METADATA, on("files", true), false));
        VdiskSpec detects = on("main", true);
        bed.open(bed.vdisks, METADATA, detects, false);
        PoolBed.assertFails(
                ErrorCode.UNSUPPORTED,
                "set zeroDetection to false",
                () -> change(detects, on("files", true)));
        write(0, 1);
        awaitMapped("main", 1);
    }

    private void awaitCacheMode(CacheMode mode) {
        Realization vdisk = bed.running(Kinds.VDISK, DISK0);
        await(() -> vdisk.status().conditions().isEmpty());
        assertThat(vdisk.status().attributes())
                .containsEntry("cacheMode", mode.name().toLowerCase(Locale.ROOT));
        assertThat(device().writeThrough()).isEqualTo(mode == CacheMode.WRITETHROUGH);
    }

    @Test
    void cacheModeChangesInUseAndGoesAlongWithAMove() {
        VdiskSpec back = on("main", CacheMode.WRITEBACK);
        VdiskSpec through = on("main", CacheMode.WRITETHROUGH);
        VdiskSpec moved = on("other", CacheMode.WRITETHROUGH);
        bed.open(bed.vdisks, METADATA, back, false);
        awaitCacheMode(CacheMode.WRITEBACK);
        write(0, 1);
        assertThat(device().counters().flushes()).isZero();
        change(back, through);
        awaitCacheMode(CacheMode.WRITETHROUGH);
        assertThat(device().counters().flushes()).isEqualTo(1);
        write(0, 1);
        change(through, moved);
        awaitCacheMode(CacheMode.WRITETHROUGH);
        write(1, 1);
        change(moved, on("other", CacheMode.WRITEBACK));
        awaitCacheMode(CacheMode.WRITEBACK);
    }

    @Test
    void aVdiskThatBeginsWithWritethroughIsFlushedBeforeItIsUsed() {
        for (String pool : List.of("main", "files")) {
            var metadata = Metadata.of("disk-" + pool, pool);
            Realization vdisk =
                    bed.open(bed.vdisks, metadata, on(pool, CacheMode.WRITETHROUGH), false);
            assertThat(vdisk.status().conditions()).isEmpty();
            BlockDevice device = vdisk.contract(BlockDevice.class).orElseThrow();
            assertThat(device.writeThrough()).isTrue();
            assertThat(device.counters().flushes()).isEqualTo(1);
        }
    }
}
