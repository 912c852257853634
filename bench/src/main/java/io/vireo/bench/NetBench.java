package io.vireo.bench;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Frames between two virtual NICs: our learning switch against DPDK testpmd, which forwards port to
 * port.
 *
 * <p>The back end has one core, the generator the other. Frames circulate both ways without end, so
 * that the rate seen by the generator is the rate of the slower half.
 */
final class NetBench {
    static final int BACK_END_CORE = 0;
    static final int FRONT_END_CORE = 1;
    private static final double SETTLE_SECONDS = 0.3;
    private static final double WARM_UP_SECONDS = 6;
    private static final String PEER = "dpdk-testpmd";

    /** Addresses of the two ports; locally administered, so that no card has them. */
    private static final List<String> MACS = List.of("02:00:00:00:00:01", "02:00:00:00:00:02");

    private record Case(int size, String mode) {
        String name() {
            return size + "B-l2" + (mode.equals("io") ? "" : "-" + mode);
        }
    }

    private final Options options;
    private final Report report;
    private final Path directory;

    NetBench(Options options, Report report, Path directory) {
        this.options = options;
        this.report = report;
        this.directory = directory;
    }

    void run() {
        var interleaver =
                new Interleaver(
                        new Probe(BACK_END_CORE, FRONT_END_CORE),
                        report,
                        options.windows(),
                        options.seconds());
        Progress.say("starting the peer: dpdk-testpmd with two vhost-user ports");
        try (var peer = peer("peer");
                var vireo = options.control() ? peer("control") : vireo()) {
            for (var each : cases()) {
                peer.begin(each.mode(), each.size(), SETTLE_SECONDS);
                vireo.begin(each.mode(), each.size(), WARM_UP_SECONDS);
                interleaver.run(each.name(), "Mpps", vireo, peer);
                peer.finish();
                vireo.finish();
            }
        }
    }

    private List<Case> cases() {
        var cases = new ArrayList<Case>();
        for (var mode : List.of("io", "mac")) {
            for (var size : List.of(64, 1518)) {
                cases.add(new Case(size, mode));
            }
        }
        return cases.stream()
                .filter(each -> options.wants(each.name()))
                .limit(options.quick() ? 2 : cases.size())
                .toList();
    }

    private NetSide peer(String name) {
        var sockets =
                List.of(directory.resolve(name + "0.sock"), directory.resolve(name + "1.sock"));
        var backEnd = Testpmd.backEnd(name + "-back", BACK_END_CORE, sockets);
        return connect(PEER, backEnd.process(), sockets, backEnd::forward);
    }

    private NetSide vireo() {
        var daemon = VireoDaemon.start(options.root(), directory, BACK_END_CORE);
        var sockets = daemon.define(Resources.network(MACS, directory));
        return connect("vireo", daemon.process(), sockets, () -> {});
    }

    private static NetSide connect(
            String name, MeasuredProcess backEnd, List<Path> sockets, Runnable onConnected) {
        try {
            var generator = Testpmd.frontEnd(name + "-front", FRONT_END_CORE, sockets, MACS);
            onConnected.run();
            var side = new NetSide(name, backEnd, generator);
            side.pause();
            return side;
        } catch (BenchException e) {
            backEnd.close();
            throw e;
        }
    }

    /** A back end with the generator that is connected to it. */
    private record NetSide(String name, MeasuredProcess backEnd, Testpmd generator)
            implements Side, AutoCloseable {

        /**
         * Starts traffic and lets it run for a while: long enough for a compiler to have seen the
         * path.
         */
        void begin(String mode, int size, double seconds) {
            backEnd.resume();
            generator.process().resume();
            generator.generate(mode, size);
            Progress.sleep(seconds);
            pause();
        }

        void finish() {
            backEnd.resume();
            generator.process().resume();
            generator.drain();
            pause();
        }

        @Override
        public void resume() {
            backEnd.resume();
            generator.process().resume();
            Progress.sleep(SETTLE_SECONDS);
        }

        @Override
        public void pause() {
            generator.process().pause();
            backEnd.pause();
        }

        @Override
        public double window(double seconds) {
            generator.millionFramesPerSecond();
            Progress.sleep(seconds);
            return generator.millionFramesPerSecond();
        }

        @Override
        public void close() {
            generator.process().close();
            backEnd.close();
        }
    }
}
