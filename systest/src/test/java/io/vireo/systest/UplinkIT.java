package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.HostShell;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A guest and the host's own network stack, joined by a TAP uplink in a network namespace. */
class UplinkIT {
    private static final String NAMESPACE = "vireo-uplink-test";

    @BeforeEach
    void makeNamespace() {
        HostShell.makeNamespace(NAMESPACE);
    }

    @AfterEach
    void removeNamespace() {
        HostShell.removeNamespace(NAMESPACE);
    }

    @Test
    @Timeout(300)
    void guestAndHostReachEachOther() {
        Bed bed = Bed.prepare(Path.of(".."), "uplink");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            inside("ip link add wide0 type veth peer name wide1");
            inside("ip link set wide1 mtu 9216 up && ip address add 198.51.100.254/24 dev wide1");
            daemon.apply(Path.of("src/test/resources/uplink.yaml"));
            inside("ip address add 192.0.2.254/24 dev vireo0");
            inside("ip link set vireo0 up");
            try (var guest = new Guest(bed, "gateway", daemon.attach("gateway", 256))) {
                guest.start();
                guest.output("ip address add 192.0.2.1/24 dev eth0 && ip link set eth0 up");

                guest.output("ping -q -c 5 -W 5 192.0.2.254");
                // Larger than the MTU: fragments, and many of them.
                inside("ping -q -c 3 -W 5 -s 20000 192.0.2.1");
                String sum = offer(guest);
                String received = inside("sha256sum </dev/tcp/192.0.2.1/5001");
                assertThat(received).isEqualTo(sum);
                jumboFramesPass(guest);
            }
        }
    }

    /** Of the largest MTU that there is, and not a byte more. */
    private static void jumboFramesPass(Guest guest) {
        assertThat(guest.output("cat /sys/class/net/eth1/mtu")).isEqualTo("9216");
        guest.output("ip address add 198.51.100.1/24 dev eth1 && ip link set eth1 up");
        inside("ping -q -c 3 -W 5 -M do -s 9188 198.51.100.1");
        inside("! ping -q -c 1 -W 1 -M do -s 9189 198.51.100.1");
        assertThat(inside("ip -s link show wide0")).contains("mtu 9216");
    }

    /** Offers random data on port 5001 and returns its checksum. */
    private static String offer(Guest guest) {
        guest.output("dd if=/dev/urandom of=/tmp/data bs=1M count=8 2>/dev/null");
        Listeners.start(guest, "nc -l -p 5001 -e cat /tmp/data", 5001);
        return guest.output("sha256sum </tmp/data");
    }

    private static String inside(String command) {
        return HostShell.inside(NAMESPACE, command);
    }
}
