package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Stock guests whose disks are thin volumes of a pool in Vireo's own format: they write and compare
 * while the daemon is killed and while a snapshot is made; a third guest boots with a clone of it
 * and finds a sound file system.
 */
class DisksPoolIT {
    private static final int MEMORY_MIB = 512;
    private static final int CRASHES = 10;

    @Test
    @Timeout(400)
    void guestsGoOnThroughCrashesAndSnapshots() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "disks");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(resources(bed, "disks.yaml"));
            try (var guest = guest(bed, daemon, "web1");
                    var peer = guest(bed, daemon, "web2")) {
                var server = new Server(guest, "web1", "192.0.2.1");
                var other = new Server(peer, "web2", "192.0.2.2");
                CompletableFuture.allOf(
                                Stream.of(server, other)
                                        .map(each -> CompletableFuture.runAsync(each::boot))
                                        .toArray(CompletableFuture<?>[]::new))
                        .join();
                server.tryDisk();
                other.tryDisk();
                server.configureNetwork();
                other.configureNetwork();
                server.ping(other);
                server.beginLoad(other);
                server.goesOn();
                for (int crash = 0; crash < CRASHES; crash++) {
                    if (crash == CRASHES / 2) {
                        daemon.apply(resources(bed, "snapshot.yaml"));
                    }
                    daemon.crash();
                    server.goesOn();
                }
                daemon.apply(resources(bed, "clone.yaml"));
                checkClone(bed, daemon);
                assertThat(server.endLoad().files()).isPositive();
            }
        }
    }

    /**
     * What was made of a file system under load is as after a loss of power: sound once replayed.
     */
    private static void checkClone(Bed bed, Daemon daemon) {
        try (var guest = guest(bed, daemon, "web3")) {
            guest.start();
            guest.output("mount -t ext4 /dev/vda /mnt && ls /mnt/writer1.0 && umount /mnt");
            guest.output(
                    "/usr/sbin/e2fsck -f -n /dev/vda >/tmp/e2fsck 2>&1 || (cat /tmp/e2fsck; false)");
            assertThat(guest.output("dmesg | grep -c 'EXT4-fs error'; true")).isEqualTo("0");
        }
    }

    private static Guest guest(Bed bed, Daemon daemon, String profile) {
        return new Guest(bed, profile, daemon.attach(profile, MEMORY_MIB));
    }

    private static Path resources(Bed bed, String name) throws IOException {
        String text = Files.readString(Path.of("src/test/resources", name));
        Path file = bed.run().resolve(name);
        Path pool = bed.run().resolve("pool");
        Files.writeString(file, text.replace("POOL", pool.toString()));
        return file;
    }
}
