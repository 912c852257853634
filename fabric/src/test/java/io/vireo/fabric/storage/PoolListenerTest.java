package io.vireo.fabric.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a pool finds is counted at once, and told of no oftener than people can read. */
class PoolListenerTest {
    private long now = Long.MAX_VALUE - 5;
    private final PoolListener listener = new PoolListener(() -> now);
    private int told;

    private void find(int count) {
        for (int i = 0; i < count; i++) {
            listener.damaged("v", i, "block " + i);
        }
    }

    @Test
    void manyFindingsAtOnceAreToldOfTwice() {
        listener.onChange(() -> {
            told++;
            assertThat(listener.integrity("").damaged()).isPositive();
        });
        assertThat(listener.takeUntold()).isFalse();
        find(1000);
        assertThat(told).isEqualTo(1);
        assertThat(listener.integrity("").damaged()).isEqualTo(1000);
        assertThat(listener.integrity("").findings()).hasSize(5).last().isEqualTo("block 999");
        assertThat(listener.takeUntold()).isTrue();
        assertThat(listener.takeUntold()).isFalse();
        now += TimeUnit.SECONDS.toNanos(1) - 1;
        find(1);
        assertThat(told).isEqualTo(1);
        now++;
        find(1);
        assertThat(told).isEqualTo(2);
        assertThat(listener.takeUntold()).isFalse();
    }
}
