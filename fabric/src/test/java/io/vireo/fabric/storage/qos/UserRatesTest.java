package io.vireo.fabric.storage.qos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRates;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.Optional;
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
    void anotherPolicyIsFollowedUnlessAPoolHasNoRoomForIt() {
        var pool = new PoolQos("main", 1000, Optional.empty(), System::nanoTime);
        var memory = new MemoryBlockDevice(1 << 20, 512);
        var disk = pool.stage(pool.add("one", Optional.empty()), memory);
        var silver = new DiskQosPolicy("silver", settings(50, 300));
        var huge = new DiskQosPolicy("huge", settings(50, 2000));
        BlockRates rates = policy.open("vHBA db1", told::incrementAndGet);
        disk.addUser(rates);
        rates.follow(silver);
        assertThat(told).hasValue(1);
        assertThat(rates.reservation()).isEqualTo(300);
        assertThat(pool.reserved()).isEqualTo(300);
        assertThatThrownBy(() -> rates.follow(huge))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "reservations of 2000 IOPS are more than the 1000 of pool main: vHBA db1 2000");
        assertThat(rates.reservation()).isEqualTo(300);
        policy.change(settings(7, 0));
        assertThat(told).as("what it does not follow any more").hasValue(1);
        silver.change(settings(7, 400));
        assertThat(told).hasValue(2);
        assertThat(pool.reserved()).isEqualTo(400);
        rates.close();
        assertThat(pool.reserved()).isZero();
        silver.change(settings(7, 5000));
        assertThat(told).hasValue(2);
        memory.close();
    }
}
