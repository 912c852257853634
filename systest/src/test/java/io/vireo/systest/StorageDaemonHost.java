package io.vireo.systest;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalLong;

/**
 * A peer in Vireo's place, with which the bed itself is tested: qemu-storage-daemon serves the
 * disks by vhost-user, the cards are QEMU's own and joined by datagram sockets.
 */
final class StorageDaemonHost implements Host {
    private static final List<String> PROFILES = List.of("web1", "web2");

    private final Bed bed;
    private Process process;

    StorageDaemonHost(Bed bed) {
        this.bed = bed;
        this.process = launch();
    }

    private Path disk(String profile) {
        return bed.run().resolve(profile + ".img");
    }

    private Path socket(String profile) {
        return bed.run().resolve(profile + ".blk");
    }

    private Process launch() {
        var words = new java.util.ArrayList<String>(List.of("qemu-storage-daemon"));
        try {
            for (String profile : PROFILES) {
                Files.deleteIfExists(socket(profile));
                try (var file = new RandomAccessFile(disk(profile).toFile(), "rw")) {
                    file.setLength(1L << 30);
                }
                words.addAll(
                        List.of(
                                "--blockdev",
                                "driver=file,filename=%s,node-name=%s,cache.direct=on"
                                        .formatted(disk(profile), profile),
                                "--export",
                                "type=vhost-user-blk,id=%s,node-name=%s,addr.type=unix,addr.path=%s,writable=on"
                                        .formatted(profile, profile, socket(profile))));
            }
            Process started =
                    new ProcessBuilder(words)
                            .redirectErrorStream(true)
                            .redirectOutput(bed.run().resolve("peer.log").toFile())
                            .start();
            while (!PROFILES.stream().map(this::socket).allMatch(Files::exists)) {
                if (!started.isAlive()) {
                    throw new ScenarioException("qemu-storage-daemon ended: see peer.log");
                }
                Processes.pause(20);
            }
            return started;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public List<String> attach(String profile, int memoryMib) {
        String other = profile.equals("web1") ? "web2" : "web1";
        return List.of(
                "-m",
                memoryMib + "M",
                "-object",
                "memory-backend-memfd,id=memory,size=%dM,share=on".formatted(memoryMib),
                "-machine",
                "memory-backend=memory",
                "-chardev",
                "socket,id=disk0,path=%s,reconnect=1".formatted(socket(profile)),
                "-device",
                "vhost-user-blk-pci,chardev=disk0",
                "-netdev",
                "dgram,id=eth0,local.type=unix,local.path=%s,remote.type=unix,remote.path=%s"
                        .formatted(
                                bed.run().resolve(profile + ".net"),
                                bed.run().resolve(other + ".net")),
                "-device",
                "virtio-net-pci,netdev=eth0,mac=" + identity(profile).mac());
    }

    @Override
    public Identity identity(String profile) {
        return new Identity("52:54:00:00:00:0" + (PROFILES.indexOf(profile) + 1), "vhost_user_blk");
    }

    /**
     * Stays up: the storage daemon offers no record of requests in flight (INFLIGHT_SHMFD) and
     * completes out of order. After its end QEMU goes on from the used index, gives it some chains
     * again and others not, and guests saw I/O errors ("req.0:id 13 is not a head!").
     */
    @Override
    public void restart() {}

    /** As {@link #restart}. */
    @Override
    public void crash() {}

    /** As {@link #restart}. */
    @Override
    public void crashWhileStarting(Duration age) {}

    @Override
    public OptionalLong recoveredRequests() {
        return OptionalLong.empty();
    }

    @Override
    public void close() {
        Processes.end(process, Duration.ofSeconds(10));
    }
}
