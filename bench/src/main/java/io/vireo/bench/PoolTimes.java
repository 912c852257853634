package io.vireo.bench;

import io.vireo.bench.BlkDriver.Kind;
import io.vireo.bench.BlkDriver.Load;
import io.vireo.bench.BlkDriver.Order;
import io.vireo.bench.CaseResult.Unit;
import java.nio.file.Path;
import java.util.ArrayList;

/** How long what an operator asks of a pool takes. */
final class PoolTimes {
    private static final String SNAPSHOT = "snapshot-1Ti";
    private static final double SNAPSHOT_LIMIT_MS = 50;
    private static final String OPEN = "open-10Ti";
    private static final int VDISKS = 1000;
    private static final long VDISK_BYTES = (10L << 40) / VDISKS;
    private static final long OPEN_PATIENCE = 300_000_000_000L;
    private static final double OPEN_LIMIT_MIB_PER_TIB = 160;

    /** Chunks of the vDisk that are written before its first snapshot, all over it. */
    private static final long SCATTERED = 100_000;

    /** Those that are written before each. */
    private static final long BETWEEN = 1000;

    private final Options options;
    private final Report report;
    private final Path directory;
    private final DiskPool pool;

    PoolTimes(Options options, Report report, Path directory, DiskPool pool) {
        this.options = options;
        this.report = report;
        this.directory = directory;
        this.pool = pool;
    }

    void run() {
        if (options.wants(SNAPSHOT)) {
            snapshots();
        }
        if (options.wants(OPEN)) {
            open(options.quick() ? VDISKS / 20 : VDISKS);
        }
    }

    /**
     * A pool whose maps are there and whose data is not: from the REST request until the pool is
     * ready, and what the daemon's memory has grown by then.
     */
    private void open(int vdisks) {
        var directory = this.directory.resolve("large");
        try (var daemon = VireoDaemon.start(options.root(), directory)) {
            var file = directory.resolve("large.img");
            Progress.say("writing the maps of " + vdisks + " vDisks");
            var mapped = PoolImage.write(file, vdisks, VDISK_BYTES);
            var before = resident(daemon);
            var start = System.nanoTime();
            daemon.api()
                    .put(
                            "/v1/pools/large",
                            """
                            {"apiVersion":"vireo/v1","kind":"Pool","metadata":{"name":"large"},\
                            "spec":{"type":"disks","disks":{"adopt":true,"members":[{"path":"%s"}]}}}
                            """
                                    .formatted(file));
            while (!daemon.api().isReady("/v1/pools/large")) {
                if (System.nanoTime() - start > OPEN_PATIENCE) {
                    throw new BenchException(
                            "The pool is not opened: " + daemon.api().get("/v1/pools/large"));
                }
                Progress.sleep(0.005);
            }
            var seconds = (System.nanoTime() - start) / 1e9;
            report.reference(OPEN + " time of " + vdisks + " vDisks", "s", seconds);
            var perTebibyte = (resident(daemon) - before) / (mapped / (double) (1L << 40));
            report.add(
                    CaseResult.cost(
                            OPEN + "-memory", "MiB/TiB", perTebibyte, OPEN_LIMIT_MIB_PER_TIB));
        }
    }

    /** Resident memory of a daemon without guests, in MiB. */
    private static double resident(VireoDaemon daemon) {
        var status = Path.of("/proc/" + daemon.process().pid() + "/status");
        return Double.parseDouble(Host.field(status, "VmRSS").split(" ", 2)[0]) / 1024;
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
