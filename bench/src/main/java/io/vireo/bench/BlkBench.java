package io.vireo.bench;

import io.vireo.bench.BlkDriver.Kind;
import io.vireo.bench.BlkDriver.Load;
import io.vireo.bench.BlkDriver.Order;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A virtual disk: ours against qemu-storage-daemon, both driven by the same polling front end on
 * the other core, and against fio without any virtualization.
 *
 * <p>{@code null} and {@code ram} cases have no disk behind them and show the path itself; {@code
 * file} cases lie on one file system, each side with a file of its own of the same size, written
 * whole beforehand. {@link PoolBench} has the cases of pools of type disks, {@link GuestBench}
 * those in which a guest is the front end.
 */
final class BlkBench {
    static final String PEER = "qemu-storage-daemon";
    static final long FILE_SIZE = 1L << 30;

    private static final long NULL_SIZE = 1L << 30;
    private static final int QUICK_CASES = 2;

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
        compare("ram", path);
        // The kernel completes writes past the page cache by workers on the core that the disk
        // interrupts. That may be the front end's, which spins and would keep them waiting.
        MeasuredProcess.favourSelf(false);
        compare("file", disk);
        if (!options.control()) {
            new PoolBench(options, report, directory, disk).run();
        }
        new GuestBench(options, report, directory, disk).run();
    }

    private void compare(String store, Interleaver interleaver) {
        var loads = wanted(options, store, allocated());
        if (loads.isEmpty()) {
            return;
        }
        Progress.say("starting " + PEER + " beside a " + store + " disk");
        try (var rig = new BlkRig()) {
            var peer = peer(rig, store, "peer");
            var vireo = options.control() ? peer(rig, store, "control") : vireo(rig, store);
            for (var load : loads) {
                var name = store + "-" + load.caseName();
                peer.begin(load);
                vireo.begin(load);
                interleaver.run(name, CaseResult.Unit.rate("kIOPS"), vireo, peer);
                if (store.equals("file") && !options.control()) {
                    var fio = new FioSide(file("peer"), load);
                    interleaver.run(name, CaseResult.Unit.rate("kIOPS"), vireo, fio);
                }
            }
        }
    }

    /** What is done to a disk all of which was written. */
    static List<Load> allocated() {
        var loads = new ArrayList<Load>();
        for (var depth : List.of(32, 1)) {
            loads.add(new Load(Kind.READ, Order.RANDOM, 4096, depth));
            loads.add(new Load(Kind.WRITE, Order.RANDOM, 4096, depth));
        }
        loads.add(new Load(Kind.READ, Order.SEQUENTIAL, 128 * 1024, 32));
        loads.add(new Load(Kind.WRITE, Order.SEQUENTIAL, 128 * 1024, 32));
        return loads;
    }

    /** Those loads whose case is asked for, {@code <prefix>-<load>}. */
    static List<Load> wanted(Options options, String prefix, List<Load> loads) {
        return loads.stream()
                .filter(load -> options.wants(prefix + "-" + load.caseName()))
                .limit(options.quick() ? QUICK_CASES : loads.size())
                .toList();
    }

    private Path file(String name) {
        return directory.resolve(name + ".raw");
    }

    private BlkSide peer(BlkRig rig, String store, String name) {
        var socket = directory.resolve(name + "-" + store + ".sock");
        var daemon =
                rig.keep(
                        !store.equals("file")
                                ? StorageDaemon.ofNull(name, NULL_SIZE, socket)
                                : StorageDaemon.ofFile(
                                        name, sparse(file(name), FILE_SIZE), socket));
        return rig.connect(PEER, daemon.process(), socket, contents(store));
    }

    private BlkSide vireo(BlkRig rig, String store) {
        var daemon = rig.keep(VireoDaemon.start(options.root(), directory, NetBench.BACK_END_CORE));
        var resources =
                switch (store) {
                    case "null" -> Resources.nullDisk(NULL_SIZE, directory);
                    case "ram" -> Resources.ramDisk(NULL_SIZE, directory);
                    default -> Resources.fileDisk(FILE_SIZE, directory);
                };
        var socket = daemon.define(resources).getFirst();
        return rig.connect("vireo", daemon.process(), socket, contents(store));
    }

    private static BlkSide.Contents contents(String store) {
        return store.equals("file") ? BlkSide.Contents.WRITTEN : BlkSide.Contents.NONE;
    }

    /** A file of holes. */
    static Path sparse(Path file, long size) {
        try (var raw = new RandomAccessFile(file.toFile(), "rw")) {
            raw.setLength(size);
            return file;
        } catch (IOException e) {
            throw new BenchException("Cannot make " + file + ".", e);
        }
    }
}
