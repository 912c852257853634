package io.vireo.bench;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/**
 * A virtual disk: ours against qemu-storage-daemon, both driven by the same polling front end on
 * the other core.
 *
 * <p>{@code null} cases have no disk behind them and show the path itself; {@code file} cases lie
 * on one file system, each side with a file of its own of the same size, written whole beforehand.
 */
final class BlkBench {
    private static final long NULL_SIZE = 1L << 30;
    private static final long FILE_SIZE = 1L << 30;
    private static final String PEER = "qemu-storage-daemon";
    private static final double SETTLE_SECONDS = 0.05;
    private static final double WARM_UP_SECONDS = 3;

    private record Case(String store, String name, BlkDriver.Load load) {
        Case(String store, boolean write, boolean random, int kibibytes, int depth) {
            this(
                    store,
                    String.format(
                            "%s-%dk-%s%s-qd%d",
                            store,
                            kibibytes,
                            random ? "rand" : "seq",
                            write ? "write" : "read",
                            depth),
                    new BlkDriver.Load(write, random, kibibytes * 1024, depth));
        }
    }

    private final Options options;
    private final Report report;
    private final Path directory;

    BlkBench(Options options, Report report, Path directory) {
        this.options = options;
        this.report = report;
        this.directory = directory;
    }

    void run() {
        var probe = new Probe(NetBench.BACK_END_CORE, NetBench.FRONT_END_CORE);
        var path = new Interleaver(probe, report, options.windows(), options.seconds());
        // A shared disk changes its speed from second to second: more and shorter windows see the
        // same disk.
        var disk = new Interleaver(probe, report, 2 * options.windows(), options.seconds() / 2);
        compare("null", path);
        // The kernel completes writes past the page cache by workers on the core that the disk
        // interrupts. That may be the front end's, which spins and would keep them waiting.
        MeasuredProcess.favourSelf(false);
        compare("file", disk);
    }

    private void compare(String store, Interleaver interleaver) {
        var cases = cases(store);
        if (cases.isEmpty()) {
            return;
        }
        Progress.say("starting " + PEER + " on a " + store + " disk");
        try (var peer = peer(store, "peer");
                var vireo = options.control() ? peer(store, "control") : vireo(store)) {
            for (var each : cases) {
                peer.begin(each.load());
                vireo.begin(each.load());
                interleaver.run(each.name(), CaseResult.Unit.rate("kIOPS"), vireo, peer);
                if (store.equals("file")) {
                    var rate = Fio.run(file("peer"), each.load(), Math.max(2, options.seconds()));
                    report.reference(each.name() + " fio", "kIOPS", rate / 1000);
                }
            }
        }
    }

    private List<Case> cases(String store) {
        var cases = new ArrayList<Case>();
        for (var depth : List.of(32, 1)) {
            cases.add(new Case(store, false, true, 4, depth));
            cases.add(new Case(store, true, true, 4, depth));
        }
        cases.add(new Case(store, false, false, 128, 32));
        cases.add(new Case(store, true, false, 128, 32));
        return cases.stream()
                .filter(each -> options.wants(each.name()))
                .limit(options.quick() ? 2 : cases.size())
                .toList();
    }

    private Path file(String name) {
        return directory.resolve(name + ".raw");
    }

    private BlkSide peer(String store, String name) {
        var socket = directory.resolve(name + "-" + store + ".sock");
        var daemon =
                store.equals("null")
                        ? StorageDaemon.ofNull(name, NULL_SIZE, socket)
                        : StorageDaemon.ofFile(name, preallocated(file(name)), socket);
        return connect(PEER, daemon.process(), socket, store.equals("file"));
    }

    private BlkSide vireo(String store) {
        var daemon = VireoDaemon.start(options.root(), directory, NetBench.BACK_END_CORE);
        var resources =
                store.equals("null")
                        ? Resources.nullDisk(NULL_SIZE, directory)
                        : Resources.fileDisk(FILE_SIZE, directory);
        var socket = daemon.define(resources).getFirst();
        return connect("vireo", daemon.process(), socket, store.equals("file"));
    }

    private static BlkSide connect(
            String name, MeasuredProcess process, Path socket, boolean fill) {
        try {
            var driver = new BlkDriver(name, socket);
            if (fill) {
                Progress.say("writing all of " + name + "'s disk once");
                driver.writeAll();
            }
            var side = new BlkSide(name, process, driver);
            side.pause();
            return side;
        } catch (BenchException e) {
            process.close();
            throw e;
        }
    }

    private static Path preallocated(Path file) {
        try (var raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(FILE_SIZE);
            return file;
        } catch (IOException e) {
            throw new BenchException("Cannot make " + file + ".", e);
        }
    }

    /** A back end with the driver that is connected to it. */
    private static final class BlkSide implements Side, AutoCloseable {
        private final String name;
        private final MeasuredProcess process;
        private final BlkDriver driver;
        private BlkDriver.Load load = new BlkDriver.Load(false, true, 4096, 1);

        BlkSide(String name, MeasuredProcess process, BlkDriver driver) {
            this.name = name;
            this.process = process;
            this.driver = driver;
        }

        /** Runs the load for a while: long enough for a compiler to have seen the path. */
        void begin(BlkDriver.Load next) {
            load = next;
            resume();
            window(WARM_UP_SECONDS);
            pause();
        }

        @Override
        public String name() {
            return name;
        }

        @Override
        public void resume() {
            process.resume();
            Progress.sleep(SETTLE_SECONDS);
        }

        @Override
        public void pause() {
            process.pause();
        }

        @Override
        public double window(double seconds) {
            var outcome = new AtomicReference<Object>();
            var thread =
                    Pinned.start(
                            "front-end",
                            NetBench.FRONT_END_CORE,
                            () -> {
                                try {
                                    outcome.set(driver.run(load, seconds) / 1000);
                                } catch (BenchException e) {
                                    outcome.set(e);
                                }
                            });
            Pinned.join(thread);
            return switch (outcome.get()) {
                case Double rate -> rate;
                case BenchException e -> throw e;
                case null, default ->
                        throw new BenchException("The front end of " + name + " died.");
            };
        }

        @Override
        public void close() {
            process.resume();
            driver.close();
            process.close();
        }
    }
}
