package io.vireo.bench;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The peer of disks: qemu-storage-daemon with one vhost-user-blk export in an I/O thread. */
final class StorageDaemon {
    private static final double PATIENCE_SECONDS = 10;

    private final MeasuredProcess process;

    private StorageDaemon(String name, String blockDevice, Path socket) {
        var command =
                new ArrayList<>(List.of("taskset", "-c", Integer.toString(NetBench.BACK_END_CORE)));
        command.addAll(List.of("qemu-storage-daemon", "--blockdev", blockDevice));
        command.addAll(List.of("--object", "iothread,id=io0", "--export"));
        command.add(
                "type=vhost-user-blk,id=e,node-name=n,addr.type=unix,addr.path="
                        + socket
                        + ",writable=on,iothread=io0");
        process = new MeasuredProcess(name, command, Map.of());
        for (var waited = 0.0; !Files.exists(socket); waited += 0.05) {
            if (!process.alive() || waited > PATIENCE_SECONDS) {
                process.close();
                throw new BenchException("qemu-storage-daemon does not start: " + process.tail());
            }
            Progress.sleep(0.05);
        }
        process.favour();
    }

    /** Serves {@code size} bytes that forget what is written and leave what is read as it was. */
    static StorageDaemon ofNull(String name, long size, Path socket) {
        return new StorageDaemon(name, "driver=null-co,node-name=n,size=" + size, socket);
    }

    /** Serves a raw file by io_uring, past the page cache. */
    static StorageDaemon ofFile(String name, Path file, Path socket) {
        return new StorageDaemon(
                name,
                "driver=file,node-name=n,aio=io_uring,cache.direct=on,filename=" + file,
                socket);
    }

    /** Serves a qcow2 image, past the page cache (cache=none). */
    static StorageDaemon ofQcow2(String name, Path file, Path socket) {
        return new StorageDaemon(
                name,
                "driver=qcow2,node-name=n,file.driver=file,file.aio=io_uring,cache.direct=on,"
                        + "file.cache.direct=on,file.filename="
                        + file,
                socket);
    }

    MeasuredProcess process() {
        return process;
    }
}
