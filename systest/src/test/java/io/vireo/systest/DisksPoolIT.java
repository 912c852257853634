package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Stock guests whose disks are thin volumes of a pool in Vireo's own format: they write and compare
 * while the daemon is killed and while a snapshot is made; a third guest boots with a clone of it
 * and finds a sound file system. One guest turns its write cache off, and it stays off. One of the
 * disks is encrypted, with its snapshot and clone: the members hold nothing of what its guest
 * wrote.
 */
@Tag("endurance")
class DisksPoolIT {
    private static final int MEMORY_MIB = 512;
    private static final int CRASHES = 10;
    private static final int MOST_CRASHES = 40;

    /** What guests write, once for each; the parts come together in the guests only. */
    private static final String MARKER = "a-marker-of-";

    private static final int BLOCK = 1 << 20;

    @Test
    @Timeout(600)
    void guestsGoOnThroughCrashesAndSnapshots() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "disks");
        secret(bed, "vault", "5e".repeat(32));
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(resources(bed, "disks.yaml"));
            try (var guest = guest(bed, daemon, "web1");
                    var peer = guest(bed, daemon, "web2")) {
                var server = new Server(guest, "web1", "192.0.2.1");
                var other = new Server(peer, "web2", "192.0.2.2");
                Processes.atOnce(server::boot, other::boot);
                server.tryDisk();
                other.tryDisk();
                guest.output(mark("web1"));
                peer.output(mark("web2"));
                peer.output("echo 'write through' > /sys/block/vda/cache_type");
                server.configureNetwork();
                other.configureNetwork();
                server.ping(other);
                server.beginLoad(other);
                server.goesOn();
                long recovered = 0;
                for (int crash = 0; crash < CRASHES || isTooEarly(crash, recovered); crash++) {
                    if (crash == CRASHES / 2) {
                        daemon.apply(resources(bed, "snapshot.yaml"));
                    }
                    daemon.crash();
                    server.goesOn();
                    recovered += daemon.recoveredRequests().orElse(0);
                }
                assertThat(recovered).as("requests that were in flight").isPositive();
                assertThat(peer.output("cat /sys/block/vda/cache_type")).isEqualTo("write through");
                assertThat(daemon.vireo("describe", "vdiskattachment", "web2.disk0"))
                        .containsPattern("writeCache +off, by the server");
                assertThat(isOnMembers(bed, MARKER + "web2")).as("what is not encrypted").isTrue();
                assertThat(isOnMembers(bed, MARKER + "web1")).as("what is encrypted").isFalse();
                assertThat(guest.output("echo 3 > /proc/sys/vm/drop_caches && cat /mnt/marker"))
                        .isEqualTo(MARKER + "web1");
                daemon.apply(resources(bed, "clone.yaml"));
                checkClone(bed, daemon);
                assertThat(server.endLoad().files()).isPositive();
            }
        }
    }

    /** Whether it has to be killed once more, since nothing was in flight any time before. */
    private static boolean isTooEarly(int crashes, long recovered) {
        return recovered == 0 && crashes < MOST_CRASHES;
    }

    /**
     * What was made of a file system under load is as after a loss of power: sound once replayed.
     * The clone writes through, and its guest sees that.
     */
    private static void checkClone(Bed bed, Daemon daemon) {
        try (var guest = guest(bed, daemon, "web3")) {
            guest.start();
            assertThat(guest.output("cat /sys/block/vda/queue/write_cache"))
                    .isEqualTo("write through");
            guest.output("mount -t ext4 /dev/vda /mnt && ls /mnt/writer1.0 && umount /mnt");
            guest.output(
                    "/usr/sbin/e2fsck -f -n /dev/vda >/tmp/e2fsck 2>&1 || (cat /tmp/e2fsck; false)");
            assertThat(guest.output("dmesg | grep -c 'EXT4-fs error'; true")).isEqualTo("0");
        }
    }

    private static String mark(String guest) {
        return "m=" + MARKER + "; echo ${m}" + guest + " > /mnt/marker && sync";
    }

    /** Looks at the pool's members as they are on the host. */
    private static boolean isOnMembers(Bed bed, String text) throws IOException {
        for (String member : List.of("disk0", "disk1")) {
            try (var in = Files.newInputStream(bed.run().resolve("pool").resolve(member))) {
                // The end of a block and the beginning of the next one are looked at together.
                byte[] block = in.readNBytes(BLOCK);
                String before = "";
                while (block.length > 0) {
                    String read = new String(block, StandardCharsets.ISO_8859_1);
                    if ((before + read).contains(text)) {
                        return true;
                    }
                    before = read.substring(Math.max(0, read.length() - text.length()));
                    block = in.readNBytes(BLOCK);
                }
            }
        }
        return false;
    }

    private static void secret(Bed bed, String name, String secret) throws IOException {
        Path folder = Files.createDirectories(bed.run().resolve("state/secrets"));
        Path file = Files.writeString(folder.resolve(name), secret);
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
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
