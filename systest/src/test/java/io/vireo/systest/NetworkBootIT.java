package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A server without disks boots from the network by the card that its profile has first in the boot
 * order (PXE). Beyond the uplink, in a namespace, answer the DHCP and TFTP servers of another
 * QEMU's user network, which has no guest.
 */
class NetworkBootIT {
    private static final String NAMESPACE = "vireo-netboot-test";

    /** What iPXE is given to do: to say by which card it came. */
    private static final String SCRIPT =
            """
            #!ipxe
            imgfetch http://10.0.2.100/booted-by-${netX/mac:hexraw}
            reboot
            """;

    /** Writes down what is asked for, and has nothing. */
    private static final String ANSWER =
            """
            #!/bin/sh
            read -r request
            echo "$request" >>'%s'
            printf 'HTTP/1.0 200 OK\\r\\nContent-Length: 1\\r\\n\\r\\n.'
            """;

    @BeforeEach
    void makeNamespace() {
        removeNamespace();
        run("ip", "netns", "add", NAMESPACE);
        inside("ip", "link", "set", "lo", "up");
        inside("ip", "link", "add", "br0", "type", "bridge");
        inside("ip", "link", "set", "br0", "up");
        inside("ip", "tuntap", "add", "dev", "user0", "mode", "tap");
        inside("ip", "link", "set", "user0", "master", "br0", "up");
    }

    @AfterEach
    void removeNamespace() {
        run("bash", "-c", "ip netns del " + NAMESPACE + " 2>/dev/null || true");
    }

    private static void run(String... words) {
        Processes.run(words);
    }

    private static void inside(String... words) {
        var all = new String[words.length + 4];
        List.of("ip", "netns", "exec", NAMESPACE).toArray(all);
        System.arraycopy(words, 0, all, 4, words.length);
        run(all);
    }

    @Test
    @Timeout(300)
    void theFirstCardOfTheBootOrderBoots() throws IOException {
        Bed bed = Bed.prepare(Path.of(".."), "netboot");
        Path requests = bed.run().resolve("requests");
        Files.createFile(requests);
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(Path.of("src/test/resources/netboot.yaml"));
            inside("ip", "link", "set", "vireo0", "master", "br0", "up");
            Process server = answer(bed, requests);
            try (var guest = Guest.fromFirmware(bed, "bare", daemon.attach("bare", 256))) {
                String mac = daemon.mac("bare.eth1").replace(":", "");
                guest.boots(120, TimeUnit.SECONDS);
                assertThat(Files.readAllLines(requests).getFirst())
                        .startsWith("GET /booted-by-" + mac + " ");
            } finally {
                server.destroy();
            }
        }
    }

    /** Starts the user network, with a port of the bridge in it. */
    private static Process answer(Bed bed, Path requests) throws IOException {
        Path tftp = Files.createDirectories(bed.run().resolve("tftp"));
        Files.writeString(tftp.resolve("boot.ipxe"), SCRIPT);
        Path answer = bed.run().resolve("answer");
        Files.writeString(answer, ANSWER.formatted(requests));
        Files.setPosixFilePermissions(answer, PosixFilePermissions.fromString("rwx------"));
        var words =
                List.of(
                        "ip",
                        "netns",
                        "exec",
                        NAMESPACE,
                        Guest.QEMU,
                        "-M",
                        "none",
                        "-nodefaults",
                        "-display",
                        "none",
                        "-netdev",
                        "user,id=user,tftp=%s,bootfile=boot.ipxe,guestfwd=tcp:10.0.2.100:80-cmd:%s"
                                .formatted(tftp, answer),
                        "-netdev",
                        "hubport,id=port0,hubid=0,netdev=user",
                        "-netdev",
                        "tap,id=tap,ifname=user0,script=no,downscript=no",
                        "-netdev",
                        "hubport,id=port1,hubid=0,netdev=tap");
        return new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(bed.run().resolve("user.log").toFile())
                .start();
    }
}
