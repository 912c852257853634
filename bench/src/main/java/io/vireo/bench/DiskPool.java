package io.vireo.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;

/** A daemon with a pool of type disks and the vDisks that {@link Resources#diskPool} has. */
final class DiskPool {
    private final Options options;
    private final Path directory;
    private final BlkRig rig;
    private @Nullable VireoDaemon daemon;

    DiskPool(Options options, Path directory, BlkRig rig) {
        this.options = options;
        this.directory = directory;
        this.rig = rig;
    }

    /** The daemon; it is started when it is first asked for. */
    VireoDaemon daemon() {
        var there = daemon;
        if (there == null) {
            there =
                    rig.keep(
                            VireoDaemon.start(
                                    options.root(),
                                    directory,
                                    NetBench.BACK_END_CORE,
                                    "--secret-dir=" + masterKey().getParent()));
            there.define(Resources.diskPool(directory));
            daemon = there;
        }
        return there;
    }

    /** A master key for the vDisks that are encrypted. */
    private Path masterKey() {
        byte[] key = new byte[32];
        new SecureRandom().nextBytes(key);
        var file = directory.resolve("secrets").resolve(Resources.KEY_SECRET);
        try {
            Files.createDirectories(file.getParent());
            Files.deleteIfExists(file);
            var owner = PosixFilePermissions.fromString("rw-------");
            Files.createFile(file, PosixFilePermissions.asFileAttribute(owner));
            return Files.writeString(file, HexFormat.of().formatHex(key));
        } catch (IOException e) {
            throw new BenchException("Cannot write " + file + ".", e);
        }
    }

    /** Has it run, not paused. */
    void running() {
        daemon().process().resume();
    }

    /** Where a vDisk appears. */
    Path socket(String vdisk) {
        return Resources.socket(vdisk, directory);
    }

    /** Makes a snapshot of a vDisk; the milliseconds from the request until it is ready. */
    double snapshot(String vdisk, String name) {
        var body =
                """
                {"apiVersion":"vireo/v1","kind":"Snapshot","metadata":{"name":"%s"},"spec":{"vdisk":"%s"}}
                """
                        .formatted(name, vdisk);
        var api = daemon().api();
        var start = System.nanoTime();
        api.put("/v1/snapshots/" + name, body);
        while (!api.isReady("/v1/snapshots/" + name)) {
            if (System.nanoTime() - start > 20_000_000_000L) {
                throw new BenchException(
                        "Snapshot " + name + " does not come about: " + daemon().process().tail());
            }
            Progress.sleep(0.0005);
        }
        return (System.nanoTime() - start) / 1e6;
    }
}
