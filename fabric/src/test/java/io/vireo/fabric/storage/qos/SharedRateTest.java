package io.vireo.fabric.storage.qos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SharedRateTest {
    private static final long SECOND = 1_000_000_000L;
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());

    private final Random random = new Random(SEED);

    /** Takes whenever it may, at instants of a poller that is late now and then. */
    private long run(SharedRate rate, long units, long from, long to) {
        long taken = 0;
        for (long now = from; now < to; ) {
            while (rate.inCredit(now)) {
                rate.take(units, now);
                taken += units;
            }
            now +=
                    random.nextInt(1000) == 0
                            ? random.nextInt(1_000_000)
                            : 1 + random.nextInt(20_000);
        }
        return taken;
    }

    @ParameterizedTest
    @CsvSource({
        "100, 1",
        "1000, 1",
        "100000, 1",
        "3000000, 1",
        "1048576, 4096",
        "104857600, 65536",
        "10000000000, 512",
        "10000000000, 1048576",
        "7, 1"
    })
    void isKeptWithinTwoPercent(long perSecond, long units) {
        var rate = new SharedRate(-5);
        rate.change(perSecond, 1, -5);
        run(rate, units, 0, SECOND);
        long seconds = perSecond < 1000 ? 60 : 4;
        long taken = run(rate, units, SECOND, (1 + seconds) * SECOND);
        double wanted = (double) perSecond * seconds;
        assertThat(taken / wanted).as("seed %d", SEED).isCloseTo(1, within(0.02 + units / wanted));
    }

    @Test
    void aBurstIsWhatMayPassAfterAPause() {
        var rate = new SharedRate(0);
        rate.change(1000, 50, 0);
        assertThat(run(rate, 1, 0, 1)).as("none to begin with").isEqualTo(1);
        assertThat(run(rate, 1, 10 * SECOND, 10 * SECOND + 1)).isBetween(50L, 52L);
        assertThat(rate.opensIn(10 * SECOND + 1)).isBetween(1L, 1_100_000L);
    }

    @Test
    void whatIsTakenOnCreditIsPaidOff() {
        var rate = new SharedRate(0);
        rate.change(1000, 1, 0);
        rate.take(5000, SECOND);
        assertThat(rate.opensIn(SECOND)).isBetween(4_900_000_000L, 5_000_000_001L);
        assertThat(rate.inCredit(5 * SECOND)).isFalse();
        assertThat(rate.inCredit(6 * SECOND)).isTrue();
        rate.take(1_000_000, 10 * SECOND, SECOND);
        rate.take(1, 10 * SECOND, SECOND);
        assertThat(rate.opensIn(10 * SECOND))
                .as("what was forced is not owed for ever")
                .isBetween(SECOND, 1_100_000_000L);
    }

    @Test
    void placesAreOneBehindTheOther() {
        var rate = new SharedRate(0);
        rate.change(1000, 1, 0);
        assertThat(rate.reserve(1, 0)).isZero();
        long last = 0;
        for (int i = 0; i < 5000; i++) {
            last = rate.reserve(1, 0);
        }
        assertThat(last).isBetween(4_990_000_000L, 5_000_000_001L);
        rate.charge(1_000_000, 0, SECOND);
        assertThat(rate.opensIn(0)).as("much was owed").isLessThan(5_002_000_001L);
        rate.giveBack(4000);
        assertThat(rate.opensIn(0)).isBetween(990_000_000L, 1_001_000_001L);
        rate.charge(1, SECOND, SECOND);
        assertThat(rate.reserve(0, SECOND)).isBetween(1L, 2_000_001L);
        assertThat(rate.reserve(0, SECOND)).as("nothing costs nothing").isLessThan(2_000_002L);
        rate.change(0, 0, SECOND);
        assertThat(rate.reserve(1_000_000, SECOND)).isZero();
    }

    @Test
    void aChangeForgivesDebtAndGivesNoBurst() {
        var rate = new SharedRate(0);
        assertThat(rate.inCredit(0)).isTrue();
        rate.change(1, 1, 0);
        rate.take(1000, 0);
        rate.change(1000, 500, SECOND);
        assertThat(run(rate, 1, SECOND, SECOND + 1)).isEqualTo(1);
        rate.change(0, 0, SECOND);
        assertThat(rate.opensIn(SECOND)).isZero();
        assertThat(rate.inCredit(SECOND)).isTrue();
    }

    @Test
    void isExactForSeveralThreads() throws InterruptedException {
        var rate = new SharedRate(0);
        rate.change(1_000_000, 1, 0);
        var taken = new AtomicLong();
        var threads = new Thread[4];
        var begin = new CountDownLatch(1);
        for (int i = 0; i < threads.length; i++) {
            threads[i] =
                    Thread.ofPlatform()
                            .start(() -> {
                                try {
                                    begin.await();
                                } catch (InterruptedException e) {
                                    return;
                                }
                                // Each has a clock of its own, which runs through the same second.
                                for (long now = 0; now < SECOND; now += 1000) {
                                    if (rate.inCredit(now)) {
                                        rate.take(1, now);
                                        taken.incrementAndGet();
                                    }
                                }
                            });
        }
        begin.countDown();
        for (var thread : threads) {
            thread.join();
        }
        // Clocks that are apart by more than the burst lose what the slower one could have had.
        assertThat(taken.get()).isBetween(900_000L, 1_003_000L);
    }
}
