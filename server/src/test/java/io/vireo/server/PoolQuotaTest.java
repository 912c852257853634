package io.vireo.server;

import static io.vireo.server.PoolBed.assertFails;
import static io.vireo.server.PoolBed.vdisk;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.resource.Condition;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.ResourceException;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.PoolSpec;
import io.vireo.resource.spec.QuotaSpec;
import io.vireo.testkit.BlockClient;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What vDisks of a tenant may have of a pool together. */
@Timeout(120)
class PoolQuotaTest {
    private static final long MI = 1 << 20;
    private static final int CHUNK = 64 << 10;

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

    private static QuotaSpec quota(String label, Optional<Long> logical, Optional<Long> allocated) {
        return new QuotaSpec(label, logical.map(Quantity::new), allocated.map(Quantity::new), 80);
    }

    private PoolSpec pool(QuotaSpec... quotas) {
        return PoolBed.withQuotas(bed.spec("a"), quotas);
    }

    private static Metadata named(String name, String tenant) {
        return new Metadata(
                name,
                Map.of("tenant", tenant),
                Map.of(),
                name,
                1,
                0,
                Instant.EPOCH,
                Instant.EPOCH,
                Optional.empty(),
                Optional.empty());
    }

    private BlockDevice open(String name, String tenant, long size, boolean provisioned) {
        return bed.open(bed.vdisks, named(name, tenant), vdisk(size), provisioned)
                .contract(BlockDevice.class)
                .orElseThrow();
    }

    private UpdateResult grow(String name, String tenant, long from, long to) {
        return bed.vdisks.update(
                bed.running(Kinds.VDISK, name),
                named(name, tenant),
                vdisk(from),
                vdisk(to),
                bed.context(true));
    }

    private Condition quota() {
        return bed.running(Kinds.POOL, "main").status().conditions().stream()
                .filter(each -> each.type().equals(Condition.QUOTA))
                .findFirst()
                .orElseThrow();
    }

    @Test
    void sizesTogetherAreBounded() throws Exception {
        PoolSpec spec =
                pool(
                        quota("tenant=blue", Optional.of(48 * MI), Optional.empty()),
                        quota("tenant=red", Optional.of(8 * MI), Optional.empty()));
        bed.openPool(spec, false);
        assertThat(quota().reason()).isEqualTo("Within");
        open("one", "blue", 32 * MI, false);
        assertFails(
                ErrorCode.EXHAUSTED,
                "vDisks with tenant=blue have 32Mi of pool main already, and 32Mi more is beyond their quota of 48Mi",
                () -> open("two", "blue", 32 * MI, false));
        open("other", "green", 64 * MI, false);
        assertFails(ErrorCode.EXHAUSTED, "tenant=red", () -> open("red", "red", 9 * MI, false));
        assertThatExceptionOfType(ResourceException.class)
                .isThrownBy(() -> grow("one", "blue", 32 * MI, 49 * MI))
                .withMessageContaining("17Mi more is beyond");
        assertThat(grow("one", "blue", 32 * MI, 40 * MI)).isEqualTo(UpdateResult.IN_PLACE);
        assertThat(quota().reason()).isEqualTo("NearlyUsed");
        assertThat(quota().message()).contains("tenant=blue (logical 40Mi of 48Mi)");
        open("three", "blue", 8 * MI, false);
        assertThat(quota().reason()).isEqualTo("Used");
        assertThat(quota().met()).isFalse();
        assertThat(bed.running(Kinds.POOL, "main").status().attributes().get("quotas"))
                .isEqualTo("tenant=blue: logical 48Mi of 48Mi; tenant=red: logical 0B of 8Mi");
        bed.close(Kinds.VDISK, "three");
        assertThat(quota().reason()).isEqualTo("NearlyUsed");
        // What was made stays, whatever the quota is later.
        bed.close(Kinds.VDISK, "one");
        bed.changePool(spec, pool(quota("tenant=blue", Optional.of(MI), Optional.empty())));
        open("one", "blue", 40 * MI, true);
        assertThat(quota().reason()).isEqualTo("Used");
        bed.closeAll();
    }

    @Test
    void whatIsAllocatedTogetherIsBounded() throws Exception {
        PoolSpec spec = pool(quota("tenant=blue", Optional.empty(), Optional.of(4L * CHUNK)));
        bed.openPool(spec, false);
        BlockDevice one = open("one", "blue", 32 * MI, false);
        BlockDevice two = open("two", "blue", 32 * MI, false);
        BlockDevice other = open("other", "red", 32 * MI, false);
        try (var first = new BlockClient(one, one.home().orElseThrow());
                var second = new BlockClient(two, two.home().orElseThrow());
                var red = new BlockClient(other, other.home().orElseThrow())) {
            byte[] chunk = new byte[CHUNK];
            chunk[0] = 1;
            assertThat(first.write(0, new byte[3 * CHUNK])).isEqualTo(BlockStatus.OK);
            assertThat(second.write(0, chunk)).isEqualTo(BlockStatus.OK);
            assertThat(second.write(CHUNK, chunk)).isEqualTo(BlockStatus.NO_SPACE);
            assertThat(first.write(8 * CHUNK, new byte[512])).isEqualTo(BlockStatus.NO_SPACE);
            // What is there is written to and read, and others have the pool.
            assertThat(second.write(512, new byte[512])).isEqualTo(BlockStatus.OK);
            assertThat(red.write(0, new byte[8 * CHUNK])).isEqualTo(BlockStatus.OK);
            assertThat(first.run(BlockOperation.DISCARD, 0, CHUNK)).isEqualTo(BlockStatus.OK);
            assertThat(second.write(CHUNK, chunk)).isEqualTo(BlockStatus.OK);
            assertThat(second.write(2 * CHUNK, chunk)).isEqualTo(BlockStatus.NO_SPACE);
            bed.changePool(
                    spec, pool(quota("tenant=blue", Optional.empty(), Optional.of(5L * CHUNK))));
            assertThat(second.write(2 * CHUNK, chunk)).isEqualTo(BlockStatus.OK);
            assertThat(second.write(3 * CHUNK, chunk)).isEqualTo(BlockStatus.NO_SPACE);
        }
        bed.closeAll();
        bed.openPool(pool(quota("tenant=blue", Optional.empty(), Optional.of(5L * CHUNK))), true);
        BlockDevice again = open("one", "blue", 32 * MI, true);
        open("two", "blue", 32 * MI, true);
        try (var client = new BlockClient(again, again.home().orElseThrow())) {
            assertThat(client.write(9 * CHUNK, new byte[512])).isEqualTo(BlockStatus.NO_SPACE);
        }
        bed.closeAll();
    }

    @Test
    void mistakesAreRefused() {
        PoolSpec spec =
                pool(
                        quota("tenant=blue", Optional.of(MI), Optional.empty()),
                        quota("tenant=blue", Optional.of(MI), Optional.empty()));
        assertThat(bed.pools.validate(Metadata.of("main", "main"), spec))
                .extracting(Violation::pointer)
                .containsExactly("/spec/quotas/1/label");
    }
}
