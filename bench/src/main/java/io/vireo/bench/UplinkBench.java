package io.vireo.bench;

import io.vireo.bench.Resources.Feature;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a frame of 64 bytes costs that leaves by an uplink into a network namespace, against one
 * that goes to another vNIC: the reactor's time. What the kernel does with a frame that arrives
 * from a TAP or at the other end of a veth pair it does on the reactor's core, within the call that
 * sends it, so that it is part of the figure.
 */
final class UplinkBench {
    private static final String NAMESPACE = "vireo-bench";

    private static final Traffic TRAFFIC = Traffic.datagrams(64, 32, 2048);

    /** Of nobody: what goes there leaves. */
    private static final int OUTSIDE = 99;

    private final Options options;
    private final Report report;
    private final Path directory;
    private final Interleaver interleaver;

    UplinkBench(Options options, Report report, Path directory, Interleaver interleaver) {
        this.options = options;
        this.report = report;
        this.directory = directory;
        this.interleaver = interleaver;
    }

    void run() {
        for (var type : List.of("tap", "packet", "xdp")) {
            if (options.wants("uplink-" + type)) {
                measure("uplink-" + type, type);
            }
        }
    }

    private void measure(String name, String type) {
        try (var namespace = Namespace.create(NAMESPACE);
                var inside = inside(name);
                var outside = outside(name, type, namespace)) {
            var sink = Uplinks.end(type);
            namespace.ip("link", "set", sink, "up");
            outside.warmInBatches();
            inside.warmInBatches();
            var counted = new Counted(outside.busy("vireo"), namespace, sink);
            interleaver.run(name, Fabric.NANOS, counted, inside.busy("self"));
            report.reference(name + "-rate", "Mpps", counted.millionFramesPerSecond());
        }
    }

    private Fabric inside(String name) {
        return Fabric.start(
                name + "-inside",
                options.root(),
                directory.resolve(name + "-inside"),
                List.of(Addresses.of(0, 1), Addresses.silent(1)),
                Feature.NONE,
                TRAFFIC);
    }

    private Fabric outside(String name, String type, Namespace namespace) {
        Uplinks.prepare(type, namespace);
        var home = directory.resolve(name);
        var daemon = VireoDaemon.start(options.root(), home, NetBench.BACK_END_CORE);
        var resources = Resources.uplink(type, namespace.name(), Addresses.text(0), home);
        return Fabric.connect(name, daemon, resources, List.of(Addresses.of(0, OUTSIDE)), TRAFFIC);
    }

    /** A side that also counts what arrives in the namespace. */
    private static final class Counted implements Side {
        private final Side side;
        private final Namespace namespace;
        private final String sink;
        private final List<Double> rates = new ArrayList<>();

        Counted(Side side, Namespace namespace, String sink) {
            this.side = side;
            this.namespace = namespace;
            this.sink = sink;
        }

        @Override
        public String name() {
            return side.name();
        }

        @Override
        public void resume() {
            side.resume();
        }

        @Override
        public void pause() {
            side.pause();
        }

        @Override
        public double window(double seconds) {
            var before = namespace.received(sink);
            var start = System.nanoTime();
            var cost = side.window(seconds);
            var frames = namespace.received(sink) - before;
            if (frames == 0) {
                throw new BenchException("Nothing arrives at " + sink + ".");
            }
            rates.add(frames * 1e3 / (System.nanoTime() - start));
            return cost;
        }

        /** Median of the windows. */
        double millionFramesPerSecond() {
            return CaseResult.median(rates.stream().mapToDouble(Double::doubleValue).toArray());
        }
    }
}
