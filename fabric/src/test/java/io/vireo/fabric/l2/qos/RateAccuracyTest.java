package io.vireo.fabric.l2.qos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.vireo.net.QosSettings.Rates;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What passes is the rate that was set, in simulated time: a poller that comes late now and then,
 * and frames of up to 64 KiB.
 */
class RateAccuracyTest {
    private static final long SEED = 20_261_122;
    private static final long SECOND = 1_000_000_000L;

    /** 45 segments of 1514 bytes with their check sequences. */
    private static final int TSO_FRAME = 65_160 + 45 * 58;

    private final Random random = new Random(SEED);

    /** Mostly a microsecond, sometimes a millisecond or two. */
    private long jitter() {
        return random.nextInt(1000) == 0
                ? 1 + random.nextInt(2_000_000)
                : 200 + random.nextInt(2000);
    }

    private static Rates rates(long committed, long peak, boolean shape) {
        return new Rates(committed, peak, Math.max(512 * 1024, peak / 8 / 200), shape);
    }

    @ParameterizedTest
    @CsvSource({
        "10000000, 65160", "10000000, 1518", "10000000, 64", "1000000000, 65160",
        "1000000000, 1518", "10000000000, 65160", "10000000000, 9018", "100000000000, 65160"
    })
    void aShaperKeepsTheRate(long rate, int frame) {
        var shaper = new Shaper(rates(rate, rate, true), 0);
        long now = 0;
        // The burst is used up first.
        long passed = 0;
        long measured = -1;
        long end = rate < 100_000_000 ? 10 * SECOND : SECOND / 2;
        long start = 0;
        while (now < start + end) {
            if (shaper.open(now)) {
                int frames = shaper.frames();
                shaper.begin(now);
                for (int i = 0; i < frames; i++) {
                    shaper.charge(frame);
                }
                passed += (long) frames * frame;
            } else if (measured < 0) {
                measured = passed;
                start = now;
            }
            now += jitter();
        }
        double rateSeen = (passed - measured) * 8.0 * SECOND / (now - start);
        assertThat(rateSeen / rate).as("seed %d", SEED).isCloseTo(1, within(0.02));
    }

    @ParameterizedTest
    @CsvSource({
        "10000000, 67770",
        "10000000, 1518",
        "10000000, 64",
        "1000000000, 67770",
        "1000000000, 1518",
        "10000000000, 67770",
        "10000000000, 1518"
    })
    void aMeterKeepsTheRateOfThriceTheTraffic(long rate, int frame) {
        var meter = new Meter(rates(rate / 2, rate, false), 0);
        long now = 0;
        long owed = 0;
        long green = 0;
        long passed = 0;
        long start = 0;
        long greenBefore = 0;
        long passedBefore = 0;
        long end = rate < 100_000_000 ? 10 * SECOND : SECOND / 2;
        while (now < start + end) {
            long step = jitter();
            now += step;
            owed += step * (3 * rate / 1000);
            meter.refill(now);
            for (; owed >= frame * 8_000_000L; owed -= frame * 8_000_000L) {
                switch (meter.colour(frame)) {
                    case GREEN -> {
                        green += frame;
                        passed += frame;
                    }
                    case YELLOW -> passed += frame;
                    case RED -> {
                        if (start == 0) {
                            start = now;
                            greenBefore = green;
                            passedBefore = passed;
                        }
                    }
                }
            }
        }
        double seconds = (now - start) / (double) SECOND;
        assertThat((passed - passedBefore) * 8 / seconds / rate)
                .as("seed %d", SEED)
                .isCloseTo(1, within(0.02));
        assertThat((green - greenBefore) * 8 / seconds / (rate / 2.0))
                .as("seed %d", SEED)
                .isCloseTo(1, within(0.02));
    }

    @Test
    void aMeterColoursAsRfc2698() {
        var meter = new Meter(new Rates(8_000, 16_000, 1000, false), 0);
        assertThat(meter.colour(600)).isEqualTo(Colour.GREEN);
        assertThat(meter.colour(600)).isEqualTo(Colour.RED);
        assertThat(meter.colour(400)).isEqualTo(Colour.GREEN);
        assertThat(meter.colour(1)).isEqualTo(Colour.RED);
        // After 100 ms: 100 bytes committed, 200 bytes peak.
        meter.refill(SECOND / 10);
        assertThat(meter.colour(101)).isEqualTo(Colour.YELLOW);
        assertThat(meter.colour(99)).isEqualTo(Colour.GREEN);
        assertThat(meter.colour(1)).isEqualTo(Colour.RED);
    }

    @Test
    void aShaperThatIsChangedForgetsNothing() {
        var shaper = new Shaper(new Rates(8_000_000, 8_000_000, 100_000, true), 0);
        shaper.begin(0);
        for (int i = 0; i < 3; i++) {
            assertThat(shaper.charge(TSO_FRAME)).isEqualTo(i == 0 ? Colour.GREEN : Colour.YELLOW);
        }
        assertThat(shaper.open(0)).isFalse();
        long debt = 3L * TSO_FRAME - 100_000;
        assertThat(shaper.opensIn()).isEqualTo(debt * 1000 + 1);
        shaper.change(new Rates(80_000_000, 80_000_000, 100_000, true), 0);
        assertThat(shaper.opensIn()).isEqualTo(debt * 100 + 1);
        assertThat(shaper.open(SECOND)).isTrue();
        assertThat(shaper.frames()).isBetween(1, 2);
    }
}
