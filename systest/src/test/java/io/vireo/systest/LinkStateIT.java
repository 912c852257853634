package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.HostShell;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest in QEMU sees its operator pull the cable and plug it in again. */
class LinkStateIT {
    private static final Duration SHORT = Duration.ofSeconds(20);
    private static final String FAR_END = "vireo-wire1";
    private static final String CARRIER = "cat /sys/class/net/eth0/carrier";

    /** A cable whose far end is down. */
    @BeforeEach
    void lay() {
        remove();
        HostShell.run("ip link add vireo-wire0 type veth peer name " + FAR_END);
    }

    @AfterEach
    void remove() {
        HostShell.run("ip link del " + FAR_END + " 2>/dev/null || true");
    }

    @Test
    @Timeout(300)
    void theGuestSeesItsLinkGoAndComeBack() {
        Bed bed = Bed.prepare(Path.of(".."), "link");
        Path qmp = bed.run().resolve("link-by-vireo.qmp");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(profile(bed, qmp, "up"));
            try (var guest = new Guest(bed, "linked", daemon.attach("linked", 256))) {
                guest.start();
                guest.output("ip address add 192.0.2.1/24 dev eth0 && ip link set eth0 up");
                await(guest, "1");
                assertThat(guest.output("cat /sys/class/net/eth0/speed")).isEqualTo("25000");

                daemon.apply(profile(bed, qmp, "down"));
                await(guest, "0");

                // QEMU takes the link up by itself when it finds the daemon again.
                daemon.crash();
                await(guest, "0");
                assertThat(stays(guest, "0")).isTrue();

                daemon.apply(profile(bed, qmp, "up"));
                await(guest, "1");

                daemon.apply(Path.of("src/test/resources/link-follows.yaml"));
                await(guest, "0");
                HostShell.run("ip link set " + FAR_END + " up");
                await(guest, "1");
            }
        }
    }

    private static Path profile(Bed bed, Path qmp, String adminState) {
        var file = bed.run().resolve("linked-" + adminState + ".yaml");
        var text =
                """
                apiVersion: vireo/v1
                kind: Network
                metadata:
                  name: lan
                spec: {}
                ---
                apiVersion: vireo/v1
                kind: ServerProfile
                metadata:
                  name: linked
                spec:
                  vnics:
                    - name: eth0
                      network: lan
                      adminState: %s
                      speed: 25000
                      qmp: %s
                  vdisks: []
                """
                        .formatted(adminState, qmp);
        try {
            return Files.writeString(file, text);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static boolean shows(Guest guest, String carrier) {
        return guest.run(CARRIER, SHORT).output().equals(carrier);
    }

    private static void await(Guest guest, String carrier) {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (!shows(guest, carrier)) {
            assertThat(System.nanoTime()).as("carrier " + carrier).isLessThan(deadline);
            Processes.pause(100);
        }
    }

    /** Whether it is so again and again for some seconds, in which QEMU has found the daemon. */
    private static boolean stays(Guest guest, String carrier) {
        for (int look = 0; look < 10; look++) {
            Processes.pause(500);
            if (look > 5 && !shows(guest, carrier)) {
                return false;
            }
        }
        return true;
    }
}
