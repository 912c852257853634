package io.vireo.block;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.resource.Metric;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LatencyHistogramTest {
    private static final long MINUTE = 60_000_000_000L;
    private static final long SEED = Long.getLong("vireo.seed", System.nanoTime());

    private final LatencyHistogram histogram = new LatencyHistogram(0);
    private final LatencyHistogram.Recorder recorder = histogram.recorder();

    @Test
    void quantilesAreAtMostAnEighthTooMuch() {
        var random = new Random(SEED);
        long[] times = new long[10_000];
        long sum = 0;
        for (int i = 0; i < times.length; i++) {
            times[i] = (long) Math.exp(Math.log(1000) + random.nextDouble() * Math.log(1e8));
            sum += times[i];
            recorder.record(times[i]);
        }
        Arrays.sort(times);
        LatencyWindow window = histogram.window(1);
        assertThat(window.count()).isEqualTo(times.length);
        assertThat(histogram.count()).isEqualTo(times.length);
        assertThat(histogram.seconds()).isEqualTo(sum / 1e9);
        for (double part : new double[] {0.001, 0.25, 0.5, 0.9, 0.99, 1}) {
            double exact = times[(int) Math.ceil(times.length * part) - 1] / 1e9;
            assertThat(window.quantile(part))
                    .as("seed %d, %s", SEED, part)
                    .isBetween(exact, exact * 1.13 + 128e-9);
        }
    }

    @Test
    void everyTimeHasABucket() {
        for (long nanos : new long[] {-1, 0, 1, 127, 128, 1023, 1024, 1151, 1152, 2047, 2048}) {
            var single = new LatencyHistogram(0);
            single.recorder().record(nanos);
            long told = Math.round(single.window(0).quantile(1) * 1e9);
            assertThat(told).as("%d", nanos).isBetween(Math.max(0, nanos), nanos + 257);
        }
        recorder.record(Long.MAX_VALUE);
        assertThat(histogram.window(0).quantile(1)).isBetween(137.0, 138.0);
    }

    @Test
    void aWindowIsOfTheLastMinuteOrTwo() {
        recorder.record(1000);
        assertThat(histogram.window(MINUTE - 1).count()).isEqualTo(1);
        assertThat(histogram.window(MINUTE).count()).isEqualTo(1);
        recorder.record(1000);
        assertThat(histogram.window(2 * MINUTE - 1).count()).isEqualTo(2);
        assertThat(histogram.window(2 * MINUTE).count()).isEqualTo(1);
        assertThat(histogram.window(3 * MINUTE).count()).isZero();
        assertThat(histogram.window(3 * MINUTE).describe()).isEqualTo("-");
        assertThat(histogram.count()).isEqualTo(2);
    }

    @Test
    void whatARecorderCountedOutlivesIt() {
        recorder.record(1000);
        histogram.close(recorder);
        histogram.close(recorder);
        LatencyHistogram.Recorder second = histogram.recorder();
        assertThat(histogram.window(MINUTE).count()).isEqualTo(1);
        second.record(3000);
        histogram.close(second);
        assertThat(histogram.count()).isEqualTo(2);
        assertThat(histogram.seconds()).isEqualTo(4e-6);
        assertThat(histogram.window(2 * MINUTE).count()).isEqualTo(1);
    }

    @Test
    void isToldInSecondsAndInWords() {
        recorder.record(100_000);
        var other = new LatencyHistogram(0);
        other.recorder().record(20_000_000);
        LatencyWindow both = histogram.window(0).plus(other.window(0));
        assertThat(both.describe()).isEqualTo("p50 0.106 ms, p99 21 ms, max 21 ms");
        var metrics = new ArrayList<Metric>();
        LatencyWindow.addMetrics("read", histogram, both, Map.of("lun", "0"), metrics);
        assertThat(metrics)
                .extracting(Metric::name)
                .containsExactly(
                        "reads_total",
                        "read_latency_seconds_total",
                        "read_latency_seconds",
                        "read_latency_seconds",
                        "read_latency_seconds");
        assertThat(metrics.getLast().labels()).isEqualTo(Map.of("lun", "0", "quantile", "1"));
        metrics.clear();
        LatencyWindow.addMetrics(
                "read", histogram, new LatencyHistogram(0).window(0), Map.of(), metrics);
        assertThat(metrics).as("no quantiles of nothing").hasSize(2);
    }
}
