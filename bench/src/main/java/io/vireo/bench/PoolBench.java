package io.vireo.bench;

import io.vireo.bench.BlkDriver.Kind;
import io.vireo.bench.BlkDriver.Load;
import io.vireo.bench.BlkDriver.Order;
import io.vireo.bench.CaseResult.Unit;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * vDisks of a pool of type disks, which has one sparse file as its member, beside files of the same
 * file system.
 *
 * <p>What a vDisk has been through is in its name: {@code thick}, {@code thin} and {@code snapN}
 * were written whole; of the last kind N snapshots were made after that, with some writes before
 * each, and all of it was written once more. {@code encrypted} is, in units of 512 bytes, and
 * {@code encrypted4k} of 4 KiB, {@code checksummed} has checksums, and {@code mirrored} is in a
 * pool with two copies. {@code fresh} is larger than can be written.
 */
final class PoolBench {
    private static final Unit RATE = Unit.rate("kIOPS");

    /** Writes before each snapshot, each of which takes a chunk away from it later. */
    private static final int BETWEEN = 64;

    private final Options options;
    private final Report report;
    private final Path directory;
    private final Interleaver interleaver;
    private final BlkRig rig = new BlkRig();
    private final Map<String, BlkSide> peers = new HashMap<>();
    private final Map<String, BlkSide> disks = new HashMap<>();
    private final DiskPool pool;

    PoolBench(Options options, Report report, Path directory, Interleaver interleaver) {
        this.options = options;
        this.report = report;
        this.directory = directory.resolve("pool");
        this.interleaver = interleaver;
        pool = new DiskPool(options, this.directory, rig);
    }

    void run() {
        var first =
                List.of(
                        new Load(Kind.WRITE, Order.FRESH, 4096, 32),
                        new Load(Kind.WRITE, Order.FRESH, 4096, 1));
        var flush =
                List.of(
                        new Load(Kind.WRITE_FLUSH, Order.RANDOM, 4096, 1),
                        new Load(Kind.WRITE_FLUSH, Order.FRESH, 4096, 1));
        try (rig) {
            for (var load : BlkBench.wanted(options, "pool", BlkBench.allocated())) {
                compare("pool", load, disk(Resources.THICK), raw());
                fio(load);
            }
            for (var load : BlkBench.wanted(options, "pool", flush)) {
                var fresh = load.order() == Order.FRESH;
                compare(
                        "pool",
                        load,
                        disk(fresh ? Resources.FRESH : Resources.THICK),
                        qcow2(fresh));
            }
            for (var load : BlkBench.wanted(options, "pool", first)) {
                compare("pool", load, disk(Resources.FRESH), qcow2(true));
            }
            beside(Resources.THIN);
            beside(Resources.ENCRYPTED);
            beside(Resources.ENCRYPTED_4K);
            beside(Resources.CHECKSUMMED);
            beside(Resources.MIRRORED);
            for (var count : Resources.SNAPSHOTS) {
                beside(Resources.SNAP + count);
            }
            new PoolTimes(options, report, directory, pool).run();
        }
    }

    /** What a vDisk does beside one that is thick and has no snapshots. */
    private void beside(String name) {
        for (var load : BlkBench.wanted(options, name, BlkBench.allocated())) {
            compare(name, load, disk(name), disk(Resources.THICK).as("self"));
        }
    }

    private void compare(String prefix, Load load, BlkSide vireo, BlkSide peer) {
        if (load.order() == Order.FRESH) {
            // What is written for the first time cannot be written to warm up without end.
            peer.begin(load, options.seconds());
            vireo.begin(load, options.seconds());
        } else {
            peer.begin(load);
            vireo.begin(load);
        }
        interleaver.run(prefix + "-" + load.caseName(), RATE, vireo, peer);
    }

    private void fio(Load load) {
        var name = "pool-" + load.caseName();
        interleaver.run(name, RATE, disk(Resources.THICK), new FioSide(rawFile(), load));
    }

    private Path rawFile() {
        return directory.resolve("peer.raw");
    }

    private BlkSide raw() {
        return peers.computeIfAbsent(
                "raw",
                name -> {
                    var file = BlkBench.sparse(rawFile(), Resources.POOL_DISK);
                    var socket = directory.resolve("raw.sock");
                    var daemon = rig.keep(StorageDaemon.ofFile(name, file, socket));
                    return rig.connect(
                            BlkBench.PEER, daemon.process(), socket, BlkSide.Contents.WRITTEN);
                });
    }

    /** A qcow2 image: as large as can never be written, or written whole. */
    private BlkSide qcow2(boolean fresh) {
        return peers.computeIfAbsent(
                fresh ? "fresh" : "full",
                name -> {
                    var file = directory.resolve(name + ".qcow2");
                    make(file, fresh ? Resources.FRESH_DISK : Resources.POOL_DISK);
                    var socket = directory.resolve(name + "-qcow2.sock");
                    var daemon = rig.keep(StorageDaemon.ofQcow2(name, file, socket));
                    return rig.connect(BlkBench.PEER, daemon.process(), socket, contents(fresh));
                });
    }

    private static BlkSide.Contents contents(boolean fresh) {
        return fresh ? BlkSide.Contents.HOLES : BlkSide.Contents.WRITTEN;
    }

    private static void make(Path image, long size) {
        try {
            var made =
                    new ProcessBuilder(
                                    "qemu-img",
                                    "create",
                                    "-q",
                                    "-f",
                                    "qcow2",
                                    image.toString(),
                                    Long.toString(size))
                            .inheritIO()
                            .start()
                            .waitFor();
            if (made != 0) {
                throw new BenchException("qemu-img cannot make " + image + ".");
            }
        } catch (IOException e) {
            throw new BenchException("Cannot start qemu-img.", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("The benchmark was interrupted.", e);
        }
    }

    private BlkSide disk(String name) {
        return disks.computeIfAbsent(name, this::prepared);
    }

    private BlkSide prepared(String name) {
        pool.running();
        var contents = contents(name.equals(Resources.FRESH));
        var disk = rig.connect("vireo", pool.daemon().process(), pool.socket(name), contents);
        if (name.startsWith(Resources.SNAP)) {
            var count = Integer.parseInt(name.substring(Resources.SNAP.length()));
            Progress.say("making " + count + " snapshots of " + name);
            disk.resume();
            for (var i = 0; i < count; i++) {
                disk.touch(new Load(Kind.WRITE, Order.RANDOM, 4096, 1), BETWEEN);
                pool.snapshot(name, name + "-" + i);
            }
            disk.fill();
            disk.pause();
        }
        return disk;
    }
}
