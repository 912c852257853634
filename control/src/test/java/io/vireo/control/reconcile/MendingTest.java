package io.vireo.control.reconcile;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import io.vireo.resource.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What fails in mending is told once. */
class MendingTest {
    private static final Reference LAN = new Reference("Network", "lan");
    private static final Reference NIC = new Reference("Vnic", "web1.eth0");

    private final List<String> told = new ArrayList<>();
    private final Mending mending =
            new Mending((reference, e) -> told.add(reference + ": " + e.getMessage()));
    private final Mended resource = new Mended();

    /** Something that is whole, or not, or fails in looking. */
    private static final class Mended implements Realization {
        boolean whole = true;
        @Nullable RuntimeException failure;

        @Override
        public boolean mend() {
            if (failure != null) {
                throw failure;
            }
            return whole;
        }

        @Override
        public <T> Optional<T> contract(Class<T> type) {
            return Optional.empty();
        }

        @Override
        public Status status() {
            return Status.EMPTY;
        }

        @Override
        public void close(Runnable onClosed) {
            onClosed.run();
        }
    }

    @Test
    void whatIsMissingIsTriedAgainAndIsNoFailure() {
        resource.whole = false;
        assertThat(mending.isWhole(LAN, resource)).isFalse();
        resource.whole = true;
        assertThat(mending.isWhole(LAN, resource)).isTrue();
        assertThat(told).isEmpty();
    }

    @Test
    void aFailureIsToldOnceUntilItIsAnotherOneOrOver() {
        resource.failure = new IllegalStateException("one");
        for (int i = 0; i < 3; i++) {
            assertThat(mending.isWhole(LAN, resource)).isTrue();
        }
        assertThat(told).containsExactly("Network/lan: one");
        mending.isWhole(NIC, resource);
        resource.failure = new IllegalStateException("two");
        mending.isWhole(LAN, resource);
        mending.isWhole(LAN, resource);
        assertThat(told)
                .containsExactly("Network/lan: one", "Vnic/web1.eth0: one", "Network/lan: two");
        resource.failure = null;
        mending.isWhole(LAN, resource);
        resource.failure = new IllegalStateException("two");
        mending.isWhole(LAN, resource);
        assertThat(told).hasSize(4);
        mending.retain(List.of(NIC));
        mending.isWhole(LAN, resource);
        assertThat(told).hasSize(5);
    }
}
