package io.vireo.server;

import static io.vireo.server.PoolBed.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.MigrationSpec;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.resource.spec.QuotaSpec;
import io.vireo.resource.spec.VdiskSpec;
import io.vireo.resource.spec.VdiskSpec.Allocation;
import io.vireo.testkit.BlockClient;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Arrays;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What vDisks of a tenant may have of pools between which they move. */
@Timeout(120)
class PoolQuotaMoveTest {
    private static final long MI = 1 << 20;
    private static final int CHUNK = 64 << 10;
    private static final String HERE = "main";
    private static final String THERE = "other";
    private static final Optional<MigrationSpec> SLOW =
            Optional.of(new MigrationSpec(Optional.of(new Quantity(CHUNK))));

    @TempDir Path directory;

    private PoolBed bed;
    private PoolSpec there;

    @BeforeEach
    void prepare() {
        bed = new PoolBed(directory);
        there = bed.spec("b");
    }

    @AfterEach
    void close() throws InterruptedException {
        bed.closeAll();
        bed.close();
    }

    private void openPools(QuotaSpec here, QuotaSpec quotaThere, boolean provisioned) {
        there = PoolBed.withQuotas(there, quotaThere);
        bed.open(bed.pools, HERE, PoolBed.withQuotas(bed.spec("a"), here), provisioned);
        bed.open(bed.pools, THERE, there, provisioned);
    }

    private static QuotaSpec logical(long bytes) {
        return new QuotaSpec("tenant=blue", Optional.of(new Quantity(bytes)), Optional.empty(), 80);
    }

    private static QuotaSpec allocated(int chunks) {
        return new QuotaSpec(
                "tenant=blue",
                Optional.empty(),
                Optional.of(new Quantity((long) chunks * CHUNK)),
                80);
    }

    private static Metadata blue(String name) {
        return new Metadata(
                name,
                Map.of("tenant", "blue"),
                Map.of(),
                name,
                1,
                0,
                Instant.EPOCH,
                Instant.EPOCH,
                Optional.empty(),
                Optional.empty());
    }

    private static VdiskSpec on(String pool) {
        return PoolBed.vdisk(pool, 32 * MI, Allocation.THIN, Optional.empty());
    }

    private static VdiskSpec slowly(String pool) {
        return PoolBed.vdisk(pool, 32 * MI, Allocation.THIN, SLOW);
    }

    private BlockDevice open(String name, VdiskSpec spec, boolean provisioned) {
        return bed.open(bed.vdisks, blue(name), spec, provisioned)
                .contract(BlockDevice.class)
                .orElseThrow();
    }

    private void raise(QuotaSpec quota) {
        PoolSpec after = PoolBed.withQuotas(there, quota);
        bed.change(bed.pools, Metadata.of(THERE, THERE), there, after);
        there = after;
    }

    private String used(String pool) {
        return bed.running(Kinds.POOL, pool).status().attributes().getOrDefault("quotas", "");
    }

    private void awaitAt(String name, String pool) {
        var vdisk = bed.running(Kinds.VDISK, name);
        await(() ->
                vdisk.status().conditions().isEmpty()
                        && pool.equals(vdisk.status().attributes().get("pool")));
    }

    private void await(BooleanSupplier event) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!event.getAsBoolean()) {
            assertThat(System.nanoTime())
                    .as(() -> used(HERE) + "; " + used(THERE))
                    .isLessThan(deadline);
            LockSupport.parkNanos(5_000_000);
        }
    }

    private static BlockStatus write(BlockDevice device, int chunk, int chunks) {
        try (var client = new BlockClient(device, device.home().orElseThrow())) {
            byte[] data = new byte[chunks * CHUNK];
            // Zeroes would not be copied.
            Arrays.fill(data, (byte) 1);
            return client.write((long) chunk * CHUNK, data);
        }
    }

    @Test
    void aVdiskThatIsTooLargeThereStaysUntilTheQuotaIsRaised() {
        openPools(logical(64 * MI), logical(40 * MI), false);
        open("one", on(THERE), false);
        BlockDevice two = open("two", on(HERE), false);
        assertFails(
                ErrorCode.EXHAUSTED,
                "vDisks with tenant=blue have 32Mi of pool other already, and 32Mi more is beyond their quota of 40Mi",
                () -> bed.change(bed.vdisks, blue("two"), on(HERE), on(THERE)));
        assertThat(used(HERE)).isEqualTo("tenant=blue: logical 32Mi of 64Mi");
        assertThat(used(THERE)).isEqualTo("tenant=blue: logical 32Mi of 40Mi");
        assertThat(write(two, 0, 1)).isEqualTo(BlockStatus.OK);
        raise(logical(64 * MI));
        bed.change(bed.vdisks, blue("two"), on(HERE), on(THERE));
        awaitAt("two", THERE);
        await(() -> used(HERE).equals("tenant=blue: logical 0B of 64Mi"));
        assertThat(used(THERE)).isEqualTo("tenant=blue: logical 64Mi of 64Mi");
    }

    @Test
    void countsInBothUntilItIsThereOrBack() {
        openPools(logical(64 * MI), logical(64 * MI), false);
        BlockDevice one = open("one", slowly(HERE), false);
        assertThat(write(one, 0, 16)).isEqualTo(BlockStatus.OK);
        bed.change(bed.vdisks, blue("one"), slowly(HERE), slowly(THERE));
        assertThat(used(HERE)).isEqualTo("tenant=blue: logical 32Mi of 64Mi");
        assertThat(used(THERE)).isEqualTo("tenant=blue: logical 32Mi of 64Mi");
        bed.change(bed.vdisks, blue("one"), slowly(THERE), slowly(HERE));
        awaitAt("one", HERE);
        await(() -> used(THERE).equals("tenant=blue: logical 0B of 64Mi"));
        assertThat(used(HERE)).isEqualTo("tenant=blue: logical 32Mi of 64Mi");
        for (int i = 0; i < 8; i++) {
            String to = i % 2 == 0 ? THERE : HERE;
            String from = i % 2 == 0 ? HERE : THERE;
            bed.change(bed.vdisks, blue("one"), on(from), on(to));
            awaitAt("one", to);
            await(() -> used(from).equals("tenant=blue: logical 0B of 64Mi"));
            assertThat(used(to)).isEqualTo("tenant=blue: logical 32Mi of 64Mi");
        }
    }

    @Test
    void whatIsAllocatedCountsWhereItIs() {
        openPools(allocated(4), allocated(2), false);
        BlockDevice one = open("one", on(HERE), false);
        BlockDevice two = open("two", on(HERE), false);
        assertThat(write(one, 0, 4)).isEqualTo(BlockStatus.OK);
        assertThat(write(two, 0, 1)).isEqualTo(BlockStatus.NO_SPACE);
        // Its copying is not held up; what it has there is more than it may have.
        bed.change(bed.vdisks, blue("one"), on(HERE), on(THERE));
        awaitAt("one", THERE);
        assertThat(write(one, 8, 1)).isEqualTo(BlockStatus.NO_SPACE);
        assertThat(write(one, 1, 1)).isEqualTo(BlockStatus.OK);
        await(() -> write(two, 0, 4) == BlockStatus.OK);
        assertThat(write(two, 4, 1)).isEqualTo(BlockStatus.NO_SPACE);
        await(() -> used(THERE).equals("tenant=blue: allocated 256Ki of 128Ki"));
        try (var client = new BlockClient(one, one.home().orElseThrow())) {
            assertThat(client.run(BlockOperation.DISCARD, 0, 3 * CHUNK)).isEqualTo(BlockStatus.OK);
        }
        await(() -> write(one, 8, 1) == BlockStatus.OK);
        assertThat(write(one, 9, 1)).isEqualTo(BlockStatus.NO_SPACE);
    }

    @Test
    void aVdiskThatBecomesThickIsStillBounded() {
        openPools(allocated(8), allocated(8), false);
        BlockDevice one = open("one", on(HERE), false);
        assertThat(write(one, 0, 4)).isEqualTo(BlockStatus.OK);
        VdiskSpec thick = PoolBed.vdisk(HERE, 32 * MI, Allocation.THICK, Optional.empty());
        bed.change(bed.vdisks, blue("one"), on(HERE), thick);
        awaitAt("one", HERE);
        await(() -> write(one, 4, 4) == BlockStatus.OK);
        assertThat(write(one, 8, 1)).isEqualTo(BlockStatus.NO_SPACE);
        await(() -> used(HERE).equals("tenant=blue: allocated 512Ki of 512Ki"));
    }

    @Test
    void aDaemonThatStartsOnTheWayCountsInBoth() throws Exception {
        openPools(logical(64 * MI), logical(64 * MI), false);
        BlockDevice one = open("one", slowly(HERE), false);
        assertThat(write(one, 0, 16)).isEqualTo(BlockStatus.OK);
        bed.change(bed.vdisks, blue("one"), slowly(HERE), slowly(THERE));
        await(() -> bed.running(Kinds.VDISK, "one").status().attributes().containsKey("progress"));
        bed.closeAll();
        // It is counted whatever the quota has become.
        openPools(logical(16 * MI), logical(16 * MI), true);
        open("one", slowly(THERE), true);
        assertThat(used(HERE)).isEqualTo("tenant=blue: logical 32Mi of 16Mi");
        assertThat(used(THERE)).isEqualTo("tenant=blue: logical 32Mi of 16Mi");
        bed.change(bed.vdisks, blue("one"), slowly(THERE), on(THERE));
        awaitAt("one", THERE);
        await(() -> used(HERE).equals("tenant=blue: logical 0B of 16Mi"));
    }
}
