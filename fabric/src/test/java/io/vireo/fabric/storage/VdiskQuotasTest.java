package io.vireo.fabric.storage;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockVolume;
import io.vireo.resource.Metadata;
import io.vireo.resource.Quantity;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.QuotaSpec;
import io.vireo.testkit.EmptyPool;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** In which pools a vDisk counts while it begins to move, whoever looks at it meanwhile. */
class VdiskQuotasTest {
    private static final Map<String, String> LABELS = Map.of("tenant", "blue");
    private static final long SIZE = 1 << 20;

    private final PoolQuotas here = quotas("here");
    private final PoolQuotas there = quotas("there");
    private final BlockVolume volume = new Untouched();
    private final VdiskQuotas quotas = new VdiskQuotas(metadata());

    private static Metadata metadata() {
        Metadata plain = Metadata.of("disk", "1");
        return new Metadata(
                plain.name(),
                LABELS,
                plain.annotations(),
                plain.uid(),
                plain.generation(),
                plain.revision(),
                plain.createdAt(),
                plain.updatedAt(),
                plain.deletionRequestedAt(),
                plain.owner());
    }

    private static PoolQuotas quotas(String name) {
        var quotas = new PoolQuotas(name, new EmptyPool());
        quotas.change(
                List.of(
                        new QuotaSpec(
                                "tenant=blue",
                                Optional.of(Quantity.parse("1Mi")),
                                Optional.empty(),
                                80)));
        return quotas;
    }

    private static void assertCounts(PoolQuotas pool) {
        assertThatThrownBy(() -> pool.add("another", LABELS, 512, false))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("beyond their quota");
    }

    private static void assertCountsNot(PoolQuotas pool) {
        assertThatCode(() -> pool.add("another", LABELS, 512, false).close())
                .doesNotThrowAnyException();
    }

    private void look(long seen, String pool, boolean underWay) {
        quotas.settle(seen, pool, volume, underWay);
    }

    private void rest() {
        quotas.add("here", here, SIZE, false);
        quotas.begun();
        look(quotas.events(), "here", false);
    }

    @Test
    void whoLooksBeforeItHasBegunToMoveDoesNotTakeItOut() {
        rest();
        quotas.add("there", there, SIZE, false);
        look(quotas.events(), "here", false);
        assertCounts(there);
        quotas.begun();
        look(quotas.events(), "here", true);
        assertCounts(here);
        assertCounts(there);
        look(quotas.events(), "there", false);
        assertCountsNot(here);
        assertCounts(there);
    }

    @Test
    void whoHasLookedBeforeItBeganToMoveDoesNotTakeItOut() {
        rest();
        long before = quotas.events();
        quotas.add("there", there, SIZE, false);
        long between = quotas.events();
        quotas.begun();
        look(before, "here", false);
        look(between, "here", false);
        assertCounts(there);
        look(quotas.events(), "here", true);
        look(quotas.events(), "there", false);
        assertCountsNot(here);
    }

    @Test
    void whatDoesNotMoveAfterAllCountsThereNoMore() {
        rest();
        quotas.add("there", there, SIZE, false);
        quotas.begun();
        look(quotas.events(), "here", false);
        assertCounts(here);
        assertCountsNot(there);
    }

    /** Of which nothing is asked. */
    private static final class Untouched implements BlockVolume {
        @Override
        public BlockDevice device() {
            throw new UnsupportedOperationException();
        }

        @Override
        public void grow(long capacity) {
            throw new UnsupportedOperationException();
        }

        @Override
        public String trouble() {
            return "";
        }

        @Override
        public void close() {
            // There is nothing to give back.
        }
    }
}
