package io.vireo.bench;

import io.vireo.bench.BlkDriver.Kind;
import io.vireo.bench.BlkDriver.Load;
import io.vireo.bench.BlkDriver.Order;
import io.vireo.bench.CaseResult.Unit;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * An iSCSI target on loopback, ours against tgt, both loaded by {@link IscsiLoad} on the other
 * core; our virtio-scsi against our virtio-blk; and many vHBAs.
 *
 * <p>{@code ram} cases have memory behind them: a pool of type ram, and for tgt a file in memory.
 * {@code file} cases lie on one file system, each side with a file of its own, against both of
 * tgt's ways past the page cache. All is written whole beforehand.
 */
final class ScsiBench {
    private static final long SIZE = 512L << 20;
    private static final double MEDIAN = 0.5;
    private static final double SLOW = 0.99;
    private static final int QUICK_CASES = 2;

    private record Case(String store, Load load, int sessions) {
        String name() {
            return "iscsi-%s-%s%s"
                    .formatted(store, load.caseName(), sessions == 1 ? "" : "-s" + sessions);
        }
    }

    private final Options options;
    private final Report report;
    private final Path directory;
    private final Interleaver interleaver;

    ScsiBench(Options options, Report report, Path directory) {
        this.options = options;
        this.report = report;
        this.directory = directory;
        var probe = new Probe(NetBench.BACK_END_CORE, NetBench.FRONT_END_CORE);
        interleaver = new Interleaver(probe, report, options.windows(), options.seconds());
    }

    void run() {
        var port = freePort();
        try (var daemon = VireoDaemon.start(options.root(), directory, NetBench.BACK_END_CORE)) {
            daemon.define(Resources.scsiDisks(SIZE, directory, port));
            iscsi("ram", Tgt.Store.CACHED, daemon, port);
            iscsi("file", Tgt.Store.THREADS, daemon, port);
            iscsi("file", Tgt.Store.AIO, daemon, port);
            if (!options.control()) {
                virtio("virtio", "ram", daemon);
                // As with virtio-blk, see BlkBench.
                MeasuredProcess.favourSelf(false);
                virtio("virtio-file", "file", daemon);
            }
        }
        if (!options.control() && !options.quick()) {
            new ScsiScale(options, report, directory).run();
        }
    }

    private List<Case> wanted(String store) {
        var cases = new ArrayList<Case>();
        for (var depth : List.of(32, 1)) {
            for (var kind : List.of(Kind.READ, Kind.WRITE)) {
                cases.add(new Case(store, new Load(kind, Order.RANDOM, 4096, depth), 1));
            }
        }
        for (var kind : List.of(Kind.READ, Kind.WRITE)) {
            var sequential = new Load(kind, Order.SEQUENTIAL, RequestSlots.MAX_DATA, 8);
            cases.add(new Case(store, sequential, 1));
            cases.add(new Case(store, new Load(kind, Order.RANDOM, 4096, 32), 4));
        }
        return cases.stream()
                .filter(each -> options.wants(each.name()))
                .limit(options.quick() ? QUICK_CASES : cases.size())
                .toList();
    }

    private void iscsi(String store, Tgt.Store peers, VireoDaemon daemon, int port) {
        var cases = wanted(store);
        if (cases.isEmpty()) {
            return;
        }
        var ours = options.control() ? tgt(peers, "again") : vireo(store, daemon, port);
        try (ours;
                var peer = tgt(peers, "peer")) {
            for (var each : cases) {
                peer.begin(each.load(), each.sessions());
                ours.begin(each.load(), each.sessions());
                interleaver.run(each.name(), Unit.rate("kIOPS"), ours, peer);
                tell(each.name() + "-vireo", ours);
                tell(each.name() + "-" + peers.peer(), peer);
            }
        }
    }

    private void tell(String name, IscsiSide side) {
        report.reference(name + "-p50", "us", side.quantileMicros(MEDIAN));
        report.reference(name + "-p99", "us", side.quantileMicros(SLOW));
        report.reference(name + "-client-limit", "kIOPS", side.clientLimit());
    }

    private static IscsiSide vireo(String store, VireoDaemon daemon, int port) {
        var target = Resources.targetName(store);
        return new IscsiSide("vireo", daemon.process(), () -> {}, port, target, 0, SIZE).filled();
    }

    private IscsiSide tgt(Tgt.Store store, String name) {
        // What is in memory for us is in memory for it.
        var folder = store == Tgt.Store.CACHED ? Path.of("/dev/shm") : directory;
        var file = folder.resolve("vireo-bench-tgt-%d-%s.raw".formatted(pid(), name));
        try (var raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(SIZE);
        } catch (IOException e) {
            throw new BenchException("Cannot make " + file + ".", e);
        }
        var port = freePort();
        Progress.say("starting tgt");
        var tgt = new Tgt(port, file, store);
        Runnable end =
                () -> {
                    tgt.process().close();
                    delete(file);
                };
        return new IscsiSide(store.peer(), tgt.process(), end, port, Tgt.TARGET, Tgt.LUN, SIZE)
                .filled();
    }

    private static long pid() {
        return ProcessHandle.current().pid();
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new BenchException("Cannot delete " + file + ".", e);
        }
    }

    /** The two devices of ours, on disks of one pool. */
    private void virtio(String prefix, String store, VireoDaemon daemon) {
        var loads =
                List.of(
                                new Load(Kind.READ, Order.RANDOM, 4096, 32),
                                new Load(Kind.WRITE, Order.RANDOM, 4096, 32),
                                new Load(Kind.READ, Order.RANDOM, 4096, 1),
                                new Load(Kind.READ, Order.SEQUENTIAL, RequestSlots.MAX_DATA, 8))
                        .stream()
                        .filter(load -> options.wants(prefix + "-" + load.caseName()))
                        .limit(options.quick() ? QUICK_CASES : Long.MAX_VALUE)
                        .toList();
        if (loads.isEmpty()) {
            return;
        }
        var process = daemon.process();
        var sleeps = store.equals("file");
        var socket = Resources.socket(store, directory);
        var scsi = new VirtioScsiDriver("virtio-scsi", socket, sleeps, SIZE);
        process.resume();
        try (var ours = BlkSide.connect("virtio-scsi", process, scsi, BlkSide.Contents.NONE);
                var self = blk(store, sleeps, process)) {
            ours.resume();
            ours.fill();
            self.fill();
            ours.pause();
            for (var load : loads) {
                self.begin(load);
                ours.begin(load);
                interleaver.run(prefix + "-" + load.caseName(), Unit.rate("kIOPS"), ours, self);
            }
        }
    }

    private BlkSide blk(String store, boolean sleeps, MeasuredProcess process) {
        process.resume();
        var socket = Resources.socket(Resources.neighbour(store), directory);
        var driver = new BlkDriver("self", socket, sleeps);
        return BlkSide.connect("self", process, driver, BlkSide.Contents.NONE);
    }

    static int freePort() {
        try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new BenchException("No port is free.", e);
        }
    }
}
