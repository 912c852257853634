package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The disk of a stock guest moves to another pool and back, and becomes thick, while the guest
 * writes and compares; the daemon is killed in the middle of a move.
 */
class VdiskMoveIT {
    private static final int MEMORY_MIB = 512;
    private static final int TIMES = 2;

    @Test
    @Timeout(400)
    void aGuestGoesOnWhileItsDiskMoves() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "move");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            String base = Files.readString(Path.of("src/test/resources/move.yaml"));
            Path pool = bed.run().resolve("pool");
            Path all = bed.run().resolve("all.yaml");
            String first = disk("main", "thin", "");
            Files.writeString(all, base.replace("POOL", pool.toString()) + "---\n" + first);
            daemon.apply(all);
            try (var guest = guest(bed, daemon, "web1");
                    var peer = guest(bed, daemon, "web2")) {
                var server = new Server(guest, "web1", "192.0.2.1");
                var other = new Server(peer, "web2", "192.0.2.2");
                Processes.atOnce(server::boot, other::boot);
                server.tryDisk();
                server.configureNetwork();
                other.configureNetwork();
                server.ping(other);
                server.beginLoad(other);
                server.goesOn();
                for (int i = 0; i < TIMES; i++) {
                    killOnTheWay(bed, daemon, server);
                    move(bed, daemon, server, disk("other", "thin", ""));
                    move(bed, daemon, server, disk("main", "thin", ""));
                }
                move(bed, daemon, server, disk("main", "thick", ""));
                move(bed, daemon, server, disk("other", "thin", ""));
                assertThat(server.endLoad().files()).isPositive();
                assertThat(guest.output("dmesg | grep -cE 'I/O error|EXT4-fs error'; true"))
                        .isEqualTo("0");
            }
            assertThat(daemon.vireo("describe", "pool", "main")).contains("allocatedBytes");
        }
    }

    /** The source has it until the switch: the next daemon begins anew, and the guest goes on. */
    private static void killOnTheWay(Bed bed, Daemon daemon, Server server) throws IOException {
        daemon.vireo("apply", "-f", file(bed, disk("other", "thin", "4Mi")).toString());
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!daemon.vireo("describe", "vdisk", "web1-data").contains("progress")) {
            assertThat(System.nanoTime()).isLessThan(deadline);
            LockSupport.parkNanos(50_000_000);
        }
        server.goesOn();
        assertThat(daemon.vireo("get", "vdisk", "web1-data"))
                .contains("is being moved from pool main to pool other", "%");
        daemon.crash();
        server.goesOn();
    }

    private static void move(Bed bed, Daemon daemon, Server server, String to) throws IOException {
        daemon.apply(file(bed, to));
        server.goesOn();
    }

    private static Path file(Bed bed, String text) throws IOException {
        Path file = bed.run().resolve("disk.yaml");
        Files.writeString(file, text);
        return file.toAbsolutePath();
    }

    private static String disk(String pool, String allocation, String rate) {
        String migration = rate.isEmpty() ? "" : "  migration:\n    rate: " + rate + "\n";
        return """
        apiVersion: vireo/v1
        kind: Vdisk
        metadata:
          name: web1-data
        spec:
          pool: %s
          size: 1Gi
          allocation: %s
        %s\
        """
                .formatted(pool, allocation, migration);
    }

    private static Guest guest(Bed bed, Daemon daemon, String profile) {
        return new Guest(bed, profile, daemon.attach(profile, MEMORY_MIB));
    }
}
