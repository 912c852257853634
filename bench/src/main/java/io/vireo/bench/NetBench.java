package io.vireo.bench;

import io.vireo.bench.CaseResult.Unit;
import io.vireo.bench.Resources.Feature;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Frames between two virtual NICs: our learning switch against DPDK testpmd, which forwards port to
 * port, against Open vSwitch, and against itself with more to do.
 *
 * <p>The back end has one core, the generator the other. Frames circulate both ways without end, so
 * that the rate seen by the generator is the rate of the slower half.
 */
final class NetBench {
    static final int BACK_END_CORE = 0;
    static final int FRONT_END_CORE = 1;
    private static final double WARM_UP_SECONDS = 6;
    private static final Unit MPPS = Unit.rate("Mpps");
    private static final String TESTPMD = "dpdk-testpmd";
    private static final String OVS = "ovs-dpdk";
    private static final List<Integer> SIZES = List.of(64, 1518);

    private static final String SOAKED = "-soaked";

    /** Rewrites headers, so that they are dirty in the cache of the generator's core. */
    private static final String MAC = "mac";

    /** Forwards frames untouched. */
    private static final String IO = "io";

    /** Addresses of the two ports; locally administered, so that no card has them. */
    private static final List<String> MACS = List.of("02:00:00:00:00:01", "02:00:00:00:00:02");

    private final Options options;
    private final Report report;
    private final Path directory;
    private final Interleaver interleaver;

    NetBench(Options options, Report report, Path directory) {
        this.options = options;
        this.report = report;
        this.directory = directory;
        interleaver =
                new Interleaver(
                        new Probe(BACK_END_CORE, FRONT_END_CORE),
                        report,
                        options.windows(),
                        options.seconds());
    }

    void run() {
        splitRings();
        if (!options.quick()) {
            packedRings();
        }
        if (options.restarts() > 0) {
            restarts();
        }
        if (options.soakMinutes() > 0) {
            soak();
        }
        if (!options.control()) {
            new FabricBench(options, directory, interleaver).run();
            if (!options.quick()) {
                new FeatureBench(options, report, directory, interleaver).run();
                new UplinkBench(options, report, directory, interleaver).run();
                new TcpBench(options, report, directory, interleaver).run();
            }
        }
    }

    private void splitRings() {
        var names =
                SIZES.stream()
                        .flatMap(size -> List.of(name("", size, MAC), name("", size, IO)).stream());
        if (names.noneMatch(options::wants)) {
            return;
        }
        try (var peer = testpmd("peer", false);
                var vireo =
                        options.control()
                                ? testpmd("control", false)
                                : vireo("vireo", Feature.ANTI_SPOOF, false)) {
            for (var size : SIZES) {
                compare(name("", size, MAC), MAC, size, vireo, peer);
            }
            for (var size : SIZES) {
                if (!options.quick()) {
                    compare(name("", size, IO), IO, size, vireo, peer);
                }
            }
            if (!options.control() && !options.quick()) {
                peer.pause();
                openVswitch(vireo);
            }
        }
    }

    private void openVswitch(NetSide vireo) {
        Progress.say("starting the peer: Open vSwitch with DPDK");
        try (var ovs = OvsDpdk.start(directory.resolve("ovs"), BACK_END_CORE, MACS.size());
                var fixed =
                        connect(OVS, OVS, ovs.process(), ovs.sockets(), false, Optional.empty())) {
            ovs.process().resume();
            ovs.forwardByFixedRules();
            for (var size : SIZES) {
                compare(name("", size, MAC), MAC, size, vireo, fixed);
            }
            ovs.process().resume();
            ovs.forwardAsLearningSwitch();
            var learning = new Renamed(OVS + "-normal", fixed);
            for (var size : SIZES) {
                compare(name("", size, MAC), MAC, size, vireo, fixed, learning);
            }
        }
    }

    private void packedRings() {
        var name = name("packed-", SIZES.getFirst(), MAC);
        if (!options.wants(name)) {
            return;
        }
        try (var peer = testpmd("packed-peer", true);
                var vireo =
                        options.control()
                                ? testpmd("packed-control", true)
                                : vireo("packed", Feature.ANTI_SPOOF, true)) {
            compare(name, MAC, SIZES.getFirst(), vireo, peer);
            compare(name("packed-", SIZES.getFirst(), IO), IO, SIZES.getFirst(), vireo, peer);
        }
    }

    /** The first case over and over, each time with a daemon that has just been started. */
    private void restarts() {
        var size = SIZES.getFirst();
        var name = name("", size, MAC) + "-restarts";
        if (!options.wants(name)) {
            return;
        }
        try (var peer = testpmd("restarts-peer", false)) {
            peer.begin(MAC, size, WARM_UP_SECONDS);
            var restart = new AtomicInteger();
            interleaver.runAnew(
                    name,
                    MPPS,
                    options.restarts(),
                    () -> {
                        var home = "restart" + restart.incrementAndGet();
                        var vireo = vireo(home, Feature.ANTI_SPOOF, false);
                        vireo.begin(MAC, size, WARM_UP_SECONDS);
                        return vireo;
                    },
                    peer);
        }
    }

    /**
     * The first cases before and after traffic of all kinds, both times against a daemon that sees
     * nothing else: does anything stay behind that makes the path slower?
     */
    private void soak() {
        if (SIZES.stream().noneMatch(size -> options.wants(name("", size, MAC) + SOAKED))) {
            return;
        }
        var home = directory.resolve("soak");
        try (var twin = vireo("twin", Feature.ANTI_SPOOF, false);
                var vireo = vireo("soak", Feature.ANTI_SPOOF, false)) {
            var self = new Renamed("self", twin);
            for (var size : SIZES) {
                compare(name("", size, MAC) + SOAKED + "-before", MAC, size, vireo, twin, self);
            }
            var daemon = vireo.daemon().orElseThrow();
            daemon.process().resume();
            new SoakTraffic(daemon, home, MACS, options.soakMinutes()).run(Feature.ANTI_SPOOF);
            vireo.pause();
            for (var size : SIZES) {
                compare(name("", size, MAC) + SOAKED, MAC, size, vireo, twin, self);
            }
        }
    }

    private static String name(String ring, int size, String mode) {
        return ring + size + "B-l2" + (mode.equals(IO) ? "-io" : "");
    }

    private void compare(String name, String mode, int size, NetSide vireo, NetSide peer) {
        compare(name, mode, size, vireo, peer, peer);
    }

    /** Measures a case of two sides, one of which may appear under another name. */
    private void compare(
            String name, String mode, int size, NetSide vireo, NetSide peer, Side shown) {
        if (!options.wants(name)) {
            return;
        }
        peer.begin(mode, size, WARM_UP_SECONDS);
        vireo.begin(mode, size, WARM_UP_SECONDS);
        interleaver.run(name, MPPS, vireo, shown);
        report.busy(name, vireo.busyNanosPerFrame());
        peer.finish();
        vireo.finish();
    }

    /** A side under another name. */
    private record Renamed(String name, Side side) implements Side {
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
            return side.window(seconds);
        }
    }

    private NetSide testpmd(String name, boolean packed) {
        Progress.say("starting the peer: dpdk-testpmd with two vhost-user ports");
        var sockets =
                List.of(directory.resolve(name + "0.sock"), directory.resolve(name + "1.sock"));
        var backEnd = Testpmd.backEnd(name + "-back", BACK_END_CORE, sockets);
        var side = connect(TESTPMD, name, backEnd.process(), sockets, packed, Optional.empty());
        backEnd.process().resume();
        backEnd.forward();
        side.pause();
        return side;
    }

    private NetSide vireo(String name, Feature feature, boolean packed) {
        var home = directory.resolve(name);
        var daemon = VireoDaemon.start(options.root(), home, BACK_END_CORE);
        var sockets = daemon.define(Resources.network(MACS, home, feature));
        return connect(name, name, daemon.process(), sockets, packed, Optional.of(daemon));
    }

    private static NetSide connect(
            String name,
            String prefix,
            MeasuredProcess backEnd,
            List<Path> sockets,
            boolean packed,
            Optional<VireoDaemon> daemon) {
        try {
            var generator =
                    Testpmd.frontEnd(prefix + "-front", FRONT_END_CORE, sockets, MACS, packed);
            var side = new NetSide(name, backEnd, generator, daemon);
            side.pause();
            return side;
        } catch (BenchException e) {
            backEnd.close();
            throw e;
        }
    }
}
