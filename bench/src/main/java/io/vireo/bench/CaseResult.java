package io.vireo.bench;

import java.util.Arrays;
import java.util.List;

/**
 * The outcome of one case.
 *
 * @param unit unit of {@code vireo} and {@code peer}
 * @param vireo median of ours
 * @param peer median of the peer's
 * @param ratio median of the pairs' ratios: ours over the peer's where more is better, else the
 *     inverse
 * @param windows pairs that count
 */
record CaseResult(
        String name,
        String unit,
        double vireo,
        double peer,
        String peerName,
        double ratio,
        double ratioMin,
        double ratioMax,
        int windows) {

    /** Two neighbouring windows. */
    record Pair(double vireo, double peer) {}

    /** What is measured. */
    record Unit(String name, boolean moreIsBetter) {
        /** Of a rate. */
        static Unit rate(String name) {
            return new Unit(name, true);
        }

        /** Of a time. */
        static Unit time(String name) {
            return new Unit(name, false);
        }

        /** Above 1 where ours is better. */
        double ratio(Pair pair) {
            return moreIsBetter ? pair.vireo() / pair.peer() : pair.peer() / pair.vireo();
        }
    }

    /** Summarizes pairs. */
    static CaseResult of(String name, Unit unit, String peerName, List<Pair> pairs) {
        var ratios = pairs.stream().mapToDouble(unit::ratio).sorted().toArray();
        return new CaseResult(
                name,
                unit.name(),
                median(pairs.stream().mapToDouble(Pair::vireo).toArray()),
                median(pairs.stream().mapToDouble(Pair::peer).toArray()),
                peerName,
                median(ratios),
                ratios[0],
                ratios[ratios.length - 1],
                ratios.length);
    }

    /** A cost that is compared with a stated limit instead of a peer; less is better. */
    static CaseResult cost(String name, String unit, double cost, double limit) {
        var ratio = limit / Math.max(cost, 1e-3);
        return new CaseResult(name, unit, cost, limit, "limit", ratio, ratio, ratio, 1);
    }

    static double median(double[] values) {
        if (values.length == 0) {
            return Double.NaN;
        }
        var sorted = values.clone();
        Arrays.sort(sorted);
        var middle = sorted.length / 2;
        return sorted.length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
