package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A stock guest whose card and disk have packed rings, and a daemon that is killed under its writes
 * and pings. QEMU keeps the record of a disk's requests in flight; of a card it keeps nothing.
 */
@Tag("endurance")
class PackedRingsIT {
    private static final int MEMORY_MIB = 512;
    private static final int RING_PACKED = 34;
    private static final int MOST_CRASHES = 40;

    @Test
    @Timeout(300)
    void cardAndDiskGoOnWhenTheDaemonIsKilled() {
        Bed bed = Bed.prepare(Path.of(".."), "packed");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(Examples.localCopy(bed));
            List<String> profiles = Examples.PROFILES;
            try (var guest = guest(bed, daemon, profiles.get(0), true);
                    var peer = guest(bed, daemon, profiles.get(1), false)) {
                var server = new Server(guest, profiles.get(0), "192.0.2.1");
                var other = new Server(peer, profiles.get(1), "192.0.2.2");
                Processes.atOnce(server::boot, other::boot);
                assertThat(packed(guest)).containsExactly(true, true);
                assertThat(packed(peer)).containsExactly(false, false);
                server.tryDisk();
                server.configureNetwork();
                other.configureNetwork();
                server.ping(other);
                server.beginLoad(other);
                server.goesOn();
                assertThat(killUntilRecovered(daemon, server)).isPositive();
                assertThat(server.endLoad().files()).isPositive();
            }
        }
    }

    private static Guest guest(Bed bed, Daemon daemon, String profile, boolean packed) {
        List<String> options =
                daemon.attach(profile, MEMORY_MIB).stream()
                        .map(word -> packed && isDevice(word) ? word + ",packed=on" : word)
                        .toList();
        return new Guest(bed, profile, options);
    }

    private static boolean isDevice(String word) {
        return word.startsWith("virtio-net-pci,") || word.startsWith("vhost-user-blk-pci,");
    }

    /** Whether card and disk have packed rings. */
    private static List<Boolean> packed(Guest guest) {
        return Stream.of("/sys/class/net/eth0/device", "/sys/block/vda/device")
                .map(device -> guest.output("cat " + device + "/features"))
                .map(bits -> bits.charAt(RING_PACKED) == '1')
                .toList();
    }

    /** Kills the daemon until requests were in flight; returns how many were. */
    private static long killUntilRecovered(Daemon daemon, Server server) {
        for (int crash = 1; crash <= MOST_CRASHES; crash++) {
            daemon.crash();
            server.goesOn();
            long recovered = daemon.recoveredRequests().orElse(0);
            if (recovered > 0) {
                return recovered;
            }
        }
        return 0;
    }
}
