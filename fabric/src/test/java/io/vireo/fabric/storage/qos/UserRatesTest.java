package io.vireo.fabric.storage.qos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRates;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class UserRatesTest {
    private static final long SECOND = 1_000_000_000L;

    private final AtomicInteger told = new AtomicInteger();
    private final DiskQosPolicy policy = new DiskQosPolicy("gold", settings(100, 0));

    private static DiskQosSettings settings(long readIops, long reservation) {
        return new DiskQosSettings(
                new DiskQosSettings.Rates(readIops, 1, 0, 0),
                DiskQosSettings.Rates.ANY,
                new DiskQosSettings.Rates(0, 0, 1 << 20, 1),
                100,
                reservation);
    }

    @Test
    void eachRequestHasAPlaceInAllRatesThatItIsUnder() {
        BlockRates rates = policy.open("vHBA db1", told::incrementAndGet);
        assertThat(rates.limited()).isTrue();
        long now = System.nanoTime() + SECOND;
        long last = 0;
        for (int i = 0; i < 101; i++) {
            last = rates.reserve(BlockOperation.READ, 512, now);
        }
        assertThat(last - now).isBetween(990_000_000L, SECOND + 1);
        for (int i = 0; i < 100; i++) {
            last = rates.reserve(BlockOperation.WRITE, 0, now);
        }
        assertThat(last - now).as("of reads only").isLessThan(100_000_000L);
        last = rates.reserve(BlockOperation.WRITE, 4 << 20, now);
        assertThat(last - now).as("what is under way counts").isLessThan(100_000_000L);
        last = rates.reserve(BlockOperation.WRITE, 1, now);
        assertThat(last - now).isBetween(4 * SECOND - 10_000_000, 4 * SECOND + 100_000_000);
        rates.giveBack(BlockOperation.WRITE, 4 << 20);
        assertThat(rates.reserve(BlockOperation.WRITE, 1, now) - now).isLessThan(100_000_000L);
    }

    @Test
    void whoeverHasItsRatesIsToldOfOthers() {
        BlockRates rates = policy.open("vHBA db1", told::incrementAndGet);
        int before = rates.settings();
        policy.change(DiskQosSettings.NONE);
        assertThat(told).hasValue(1);
        assertThat(rates.settings()).isNotEqualTo(before);
        assertThat(rates.limited()).isFalse();
        long now = System.nanoTime();
        assertThat(rates.reserve(BlockOperation.READ, 1 << 30, now)).isEqualTo(now);
        rates.close();
        policy.change(settings(7, 0));
        assertThat(told).hasValue(1);
    }

    @Test
    void aReservationIsForVdisksOnly() {
        BlockRates rates = policy.open("vHBA db1", told::incrementAndGet);
        assertThatThrownBy(() -> policy.change(settings(100, 50)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("give vHBA db1 a policy without one");
        assertThat(told).hasValue(0);
        rates.close();
        policy.change(settings(100, 50));
        assertThatThrownBy(() -> policy.open("vHBA db2", told::incrementAndGet))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
