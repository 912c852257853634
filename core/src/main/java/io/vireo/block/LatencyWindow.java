package io.vireo.block;

import io.vireo.resource.Metric;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** How long the requests of some time took, of one {@link LatencyHistogram} or of several. */
public final class LatencyWindow {
    /** What is told of each. */
    private static final double[] QUANTILES = {0.5, 0.99, 1};

    private final long[] counts;
    private final long total;

    LatencyWindow(long[] counts) {
        this.counts = counts;
        long sum = 0;
        for (long count : counts) {
            sum += count;
        }
        total = sum;
    }

    /** The requests of both. */
    public LatencyWindow plus(LatencyWindow other) {
        long[] sums = counts.clone();
        for (int i = 0; i < sums.length; i++) {
            sums[i] += other.counts[i];
        }
        return new LatencyWindow(sums);
    }

    /** How many requests there were. */
    public long count() {
        return total;
    }

    /**
     * Seconds within which this part of the requests ended, at most an eighth too much; 0 if there
     * were none.
     *
     * @param part more than 0, up to 1
     */
    public double quantile(double part) {
        long wanted = Math.max(1, (long) Math.ceil(total * part));
        for (int i = 0; i < counts.length; i++) {
            wanted -= counts[i];
            if (wanted <= 0) {
                return LatencyHistogram.end(i) / 1e9;
            }
        }
        return 0;
    }

    /** For people: {@code p50 0.120 ms, p99 1.28 ms, max 3.07 ms}; a dash if there were none. */
    public String describe() {
        return total == 0
                ? "-"
                : "p50 %s, p99 %s, max %s".formatted(text(0.5), text(0.99), text(1));
    }

    private String text(double part) {
        double millis = quantile(part) * 1e3;
        String form = millis < 1 ? "%.3f ms" : millis < 10 ? "%.2f ms" : "%.0f ms";
        return String.format(Locale.ROOT, form, millis);
    }

    /**
     * Adds what is to be told of one sort of requests.
     *
     * @param sort for example {@code read}: the first word of the names
     * @param all those since the beginning
     * @param recent those of the quantiles
     */
    public static void addMetrics(
            String sort,
            LatencyHistogram all,
            LatencyWindow recent,
            Map<String, String> labels,
            List<Metric> metrics) {
        metrics.add(
                new Metric(
                        sort + "s_total",
                        "Of sort " + sort + ": those that ended well.",
                        Metric.Type.COUNTER,
                        labels,
                        all.count()));
        metrics.add(
                new Metric(
                        sort + "_latency_seconds_total",
                        "Of sort " + sort + ": how long those took in sum that ended well.",
                        Metric.Type.COUNTER,
                        labels,
                        all.seconds()));
        if (recent.count() > 0) {
            for (double part : QUANTILES) {
                var of = new HashMap<>(labels);
                of.put("quantile", part == 1 ? "1" : Double.toString(part));
                metrics.add(
                        new Metric(
                                sort + "_latency_seconds",
                                "Of sort "
                                        + sort
                                        + ": within what time this part of them ended lately.",
                                Metric.Type.GAUGE,
                                of,
                                recent.quantile(part)));
            }
        }
    }
}
