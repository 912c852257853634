package io.vireo.bench;

import io.vireo.bench.CaseResult.Unit;
import io.vireo.bench.Resources.Feature;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * What testpmd as a generator cannot show: many ports, many addresses, large frames, and how long a
 * single frame takes. The generator is {@link FrameDriver}.
 */
final class FabricBench {
    private static final int SMALL_FRAME = 64;
    private static final int SMALL_BUFFER = 2048;
    private static final int IN_FLIGHT = 32;
    private static final int LARGE_FRAMES_IN_FLIGHT = 16;
    private static final int PAGE = 4096;
    private static final Unit MICROS = Unit.time("us");
    private static final Unit GIGABITS = Unit.rate("Gbit/s");
    private static final double WARM_UP_SECONDS = Fabric.WARM_UP_SECONDS;
    private static final int ONE_BY_ONE = 10_000;
    private static final long REST_NANOS = 100_000;
    private static final String TESTPMD = "dpdk-testpmd";

    private final Options options;
    private final Path directory;
    private final Interleaver interleaver;

    FabricBench(Options options, Path directory, Interleaver interleaver) {
        this.options = options;
        this.directory = directory;
        this.interleaver = interleaver;
    }

    void run() {
        for (var ports : List.of(16, 64, 256)) {
            costs(
                    "ports-" + ports,
                    () -> ports("few-of-" + ports, 2),
                    () -> ports("ports-" + ports, ports));
        }
        costs("macs-100000", () -> macs("macs-100", 100), () -> macs("macs-100000", 100_000));
        var jumbo = Traffic.plain(9_000, IN_FLIGHT, PAGE);
        copies("9000B-l2", jumbo);
        copies("tso-64K-l2", Traffic.segments(LARGE_FRAMES_IN_FLIGHT, PAGE));
        latency("latency", "ADAPTIVE", 0);
        latency("latency-interrupt", "INTERRUPT", REST_NANOS);
    }

    /** The reactor's time for a frame, against itself with less. */
    private void costs(String name, Supplier<Fabric> less, Supplier<Fabric> more) {
        if (options.wants(name)) {
            try (var peer = less.get();
                    var vireo = more.get()) {
                Fabric.compare(name, vireo, peer, interleaver);
            }
        }
    }

    private Fabric ports(String name, int count) {
        var addresses =
                IntStream.range(0, count)
                        .mapToObj(card ->
                                new Addresses(Addresses.range(card, 1), others(card, count)))
                        .toList();
        return fabric(
                name, addresses, Feature.NONE, Traffic.plain(SMALL_FRAME, IN_FLIGHT, SMALL_BUFFER));
    }

    /** Every other card, beginning with the next. */
    private static long[] others(int card, int count) {
        return IntStream.range(1, count)
                .mapToLong(step -> Addresses.mac((card + step) % count))
                .toArray();
    }

    private Fabric macs(String name, int count) {
        var half = count / 2;
        var first = Addresses.range(1 << 16, half);
        var second = Addresses.range(2 << 16, half);
        var addresses = List.of(new Addresses(first, second), new Addresses(second, first));
        var room = new Feature("macs", "  macLimit: 262144\n", "");
        return fabric(name, addresses, room, Traffic.plain(SMALL_FRAME, IN_FLIGHT, SMALL_BUFFER));
    }

    /** Large frames between two cards, against what one core can copy from memory to memory. */
    private void copies(String name, Traffic traffic) {
        if (!options.wants(name)) {
            return;
        }
        try (var vireo = pair(name, traffic);
                var copier = new Copier(traffic.frame().length, traffic.inFlight())) {
            vireo.warm(() -> {
                vireo.driver().start();
                return vireo.driver().run(WARM_UP_SECONDS);
            });
            interleaver.run(name, GIGABITS, vireo.gigabits(traffic), copier);
        }
    }

    private Fabric fabric(
            String name, List<Addresses> addresses, Feature feature, Traffic traffic) {
        var home = directory.resolve("fabric-" + name);
        return Fabric.start(name, options.root(), home, addresses, feature, traffic);
    }

    private Fabric pair(String name, Traffic traffic) {
        return fabric(name, pairOfAddresses(), Feature.NONE, traffic);
    }

    private static List<Addresses> pairOfAddresses() {
        return List.of(Addresses.of(0, 1), Addresses.of(1, 0));
    }

    /** Single frames, with a rest after each in which a back end that may sleep falls asleep. */
    private void latency(String name, String pollMode, long restNanos) {
        if (!options.wants(name)) {
            return;
        }
        var sockets =
                List.of(directory.resolve(name + "0.sock"), directory.resolve(name + "1.sock"));
        var traffic = Traffic.plain(SMALL_FRAME, IN_FLIGHT, SMALL_BUFFER);
        var testpmd = Testpmd.backEnd(name, NetBench.BACK_END_CORE, sockets);
        try (var peerProcess = testpmd.process();
                var peerDriver = new FrameDriver(sockets, pairOfAddresses(), traffic)) {
            testpmd.forward();
            peerProcess.pause();
            var home = directory.resolve(name);
            var daemon =
                    VireoDaemon.start(
                            options.root(),
                            home,
                            NetBench.BACK_END_CORE,
                            "--poll-mode=" + pollMode);
            try (var vireo =
                    Fabric.connect(
                            "vireo", daemon, home, pairOfAddresses(), Feature.NONE, traffic)) {
                vireo.warm(() -> warmUp(vireo.driver()));
                for (var percentile : List.of(50, 99)) {
                    interleaver.run(
                            name + "-p" + percentile,
                            MICROS,
                            new OneByOne(
                                    "vireo",
                                    vireo.backEnd(),
                                    vireo.driver(),
                                    percentile,
                                    restNanos),
                            new OneByOne(TESTPMD, peerProcess, peerDriver, percentile, restNanos));
                }
            }
        }
    }

    private static double warmUp(FrameDriver driver) {
        var until = System.nanoTime() + (long) (WARM_UP_SECONDS * 1e9);
        while (System.nanoTime() < until) {
            driver.sendOneByOne(new long[1_000], 0);
        }
        return 0;
    }

    /** A percentile of the times of single frames, in microseconds. */
    private static final class OneByOne extends Fabric.Window {
        private final FrameDriver driver;
        private final int percentile;
        private final long restNanos;

        OneByOne(
                String name,
                MeasuredProcess backEnd,
                FrameDriver driver,
                int percentile,
                long restNanos) {
            super(name, backEnd);
            this.driver = driver;
            this.percentile = percentile;
            this.restNanos = restNanos;
        }

        @Override
        public double window(double seconds) {
            var nanos = new long[(int) (ONE_BY_ONE * seconds)];
            Fabric.onFrontEndCore(() -> {
                driver.sendOneByOne(nanos, restNanos);
                return 0.0;
            });
            Arrays.sort(nanos);
            return nanos[nanos.length * percentile / 100] / 1000.0;
        }
    }
}
