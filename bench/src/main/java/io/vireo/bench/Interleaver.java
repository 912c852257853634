package io.vireo.bench;

import io.vireo.bench.CaseResult.Unit;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Measures two sides alternately, with a probe of the machine between any two windows.
 *
 * <p>A pair counts when none of its three probes is over {@link Probe#LIMIT_NANOS}. Dropped pairs
 * are measured again, up to as many as were asked for. On a machine that never is that fast the
 * yardstick becomes relative: pairs count whose probes stay within {@value #RELATIVE_LIMIT} times
 * the run's lower quartile.
 */
final class Interleaver {
    static final double RELATIVE_LIMIT = 1.25;

    private final Probe probe;
    private final Report report;
    private final int windows;
    private final double seconds;

    Interleaver(Probe probe, Report report, int windows, double seconds) {
        this.probe = probe;
        this.report = report;
        this.windows = windows;
        this.seconds = seconds;
    }

    private record Sample(CaseResult.Pair pair, double slowestProbe) {}

    /** Runs one case; both sides are paused before and after. Returns its result. */
    CaseResult run(String caseName, Unit unit, Side vireo, Side peer) {
        var run = new Run(caseName, unit, peer);
        for (var i = 0; i < 2 * windows && run.good < windows; i++) {
            run.pair(vireo);
        }
        return run.conclude(windows);
    }

    /**
     * Runs one case with a side of ours that is made anew for each pair.
     *
     * @param start makes it; it is paused
     */
    void runAnew(String caseName, Unit unit, int times, Supplier<NetSide> start, Side peer) {
        var run = new Run(caseName, unit, peer);
        for (var i = 0; i < times; i++) {
            try (var vireo = start.get()) {
                run.pair(vireo);
            }
        }
        run.conclude(times);
    }

    /** The pairs of a case. */
    private final class Run {
        private final String caseName;
        private final Unit unit;
        private final Side peer;
        private final List<Sample> samples = new ArrayList<>();
        private final List<Double> probes = new ArrayList<>();
        private double before;
        private int good;

        Run(String caseName, Unit unit, Side peer) {
            this.caseName = caseName;
            this.unit = unit;
            this.peer = peer;
            before = probed(probes);
        }

        void pair(Side vireo) {
            var peerRate = window(peer);
            var between = probed(probes);
            var ourRate = window(vireo);
            var after = probed(probes);
            var slowest = Math.max(before, Math.max(between, after));
            before = after;
            var pair = new CaseResult.Pair(ourRate, peerRate);
            samples.add(new Sample(pair, slowest));
            good += slowest <= Probe.LIMIT_NANOS ? 1 : 0;
            say(caseName, unit, pair, slowest, peer.name());
        }

        CaseResult conclude(int wanted) {
            return Interleaver.this.conclude(
                    caseName, unit, peer.name(), samples, probes, good >= Math.min(3, wanted));
        }
    }

    private double probed(List<Double> probes) {
        var nanos = probe.roundTripNanos();
        probes.add(nanos);
        return nanos;
    }

    private double window(Side side) {
        side.resume();
        try {
            return side.window(seconds);
        } finally {
            side.pause();
        }
    }

    private static void say(
            String caseName, Unit unit, CaseResult.Pair pair, double probeNanos, String peer) {
        Progress.say(
                String.format(
                        "%-20s vireo %8.2f  %s %8.2f %s  ratio %.2f  probe %.0f ns%s",
                        caseName,
                        pair.vireo(),
                        peer,
                        pair.peer(),
                        unit.name(),
                        unit.ratio(pair),
                        probeNanos,
                        probeNanos > Probe.LIMIT_NANOS ? " (slow)" : ""));
    }

    private CaseResult conclude(
            String caseName,
            Unit unit,
            String peerName,
            List<Sample> samples,
            List<Double> probes,
            boolean absolute) {
        var limit = absolute ? Probe.LIMIT_NANOS : RELATIVE_LIMIT * lowerQuartile(probes);
        var kept =
                samples.stream().filter(s -> s.slowestProbe() <= limit).map(Sample::pair).toList();
        if (!absolute) {
            report.remark(
                    String.format(
                            "%s: only %d of %d pairs had all probes under %.0f ns; those under %.0f ns count.",
                            caseName,
                            samples.stream()
                                    .filter(s -> s.slowestProbe() <= Probe.LIMIT_NANOS)
                                    .count(),
                            samples.size(),
                            Probe.LIMIT_NANOS,
                            limit));
        }
        if (kept.isEmpty()) {
            report.remark(
                    caseName + ": the machine was too unsteady to keep any pair, so all count.");
            kept = samples.stream().map(Sample::pair).toList();
        }
        report.probed(caseName, summary(probes, limit, samples.size() - kept.size()));
        var result = CaseResult.of(caseName, unit, peerName, kept);
        report.add(result);
        return result;
    }

    private static Map<String, Object> summary(List<Double> probes, double limit, int dropped) {
        var summary = new LinkedHashMap<String, Object>();
        var values = probes.stream().mapToDouble(Double::doubleValue).toArray();
        summary.put("medianNanos", CaseResult.median(values));
        summary.put("limitNanos", limit);
        summary.put("droppedPairs", dropped);
        return summary;
    }

    private static double lowerQuartile(List<Double> probes) {
        return probes.stream().sorted().skip(probes.size() / 4).findFirst().orElse(Double.NaN);
    }
}
