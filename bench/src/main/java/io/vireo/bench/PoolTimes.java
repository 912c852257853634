package io.vireo.bench;

import io.vireo.bench.BlkDriver.Kind;
import io.vireo.bench.BlkDriver.Load;
import io.vireo.bench.BlkDriver.Order;
import io.vireo.bench.CaseResult.Unit;
import java.util.ArrayList;

/** How long what an operator asks of a pool takes. */
final class PoolTimes {
    private static final String SNAPSHOT = "snapshot-1Ti";
    private static final double SNAPSHOT_LIMIT_MS = 50;

    /** Chunks of the vDisk that are written before its first snapshot, all over it. */
    private static final long SCATTERED = 100_000;

    /** Those that are written before each. */
    private static final long BETWEEN = 1000;

    private final Options options;
    private final Report report;
    private final DiskPool pool;

    PoolTimes(Options options, Report report, DiskPool pool) {
        this.options = options;
        this.report = report;
        this.pool = pool;
    }

    void run() {
        if (options.wants(SNAPSHOT)) {
            snapshots();
        }
    }

    /**
     * A sparse vDisk of 1 TiB beside one of 1 GiB, each snapshot after some writes, from the REST
     * request until the snapshot is ready.
     */
    private void snapshots() {
        pool.running();
        var pairs = new ArrayList<CaseResult.Pair>();
        try (var large = new BlkDriver("vireo", pool.socket(Resources.LARGE), true);
                var small = new BlkDriver("vireo", pool.socket(Resources.SMALL), true)) {
            large.runCount(
                    new Load(Kind.WRITE, Order.FRESH, 4096, 32),
                    options.quick() ? BETWEEN : SCATTERED);
            var scattered = new Load(Kind.WRITE, Order.RANDOM, 4096, 32);
            // The first is the compiler's.
            for (var i = 0; i <= options.windows(); i++) {
                small.runCount(scattered, BETWEEN);
                var less = pool.snapshot(Resources.SMALL, "small-" + i);
                large.runCount(scattered, BETWEEN);
                var more = pool.snapshot(Resources.LARGE, "large-" + i);
                Progress.say("snapshot of 1 TiB: %.1f ms, of 1 GiB: %.1f ms".formatted(more, less));
                if (i > 0) {
                    pairs.add(new CaseResult.Pair(more, less));
                }
            }
        }
        var result = CaseResult.of(SNAPSHOT, Unit.time("ms"), "self", pairs);
        report.add(result);
        report.add(CaseResult.cost(SNAPSHOT, "ms", result.vireo(), SNAPSHOT_LIMIT_MS));
    }
}
