package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.HostShell;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * A bond with LACP against the bonding driver of a stock guest. Two cards of the guest, on TAP
 * interfaces, are its bond and the switch that Vireo's uplinks lead to; a third one is a vNIC, in a
 * network namespace of the guest, that talks to it.
 */
class BondIT {
    private static final String NAMESPACE = "vireo-bond-test";
    private static final List<String> WIRES = List.of("vireo-bond-l", "vireo-bond-r");
    private static final String STATE = "/proc/net/bonding/bond0";
    private static final String IN_USE = "63";
    private static final int LOOKS = 40;

    @BeforeEach
    void makeWires() {
        HostShell.makeNamespace(NAMESPACE);
        for (var wire : WIRES) {
            inside("ip tuntap add " + wire + " mode tap && ip link set " + wire + " up");
        }
    }

    @AfterEach
    void removeWires() {
        HostShell.removeNamespace(NAMESPACE);
    }

    @Test
    @Timeout(300)
    void bondingDriverAgrees() {
        Bed bed = Bed.prepare(Path.of(".."), "bond");
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(Path.of("src/test/resources/bond.yaml"));
            try (var guest = Guest.inNamespace(bed, "bonder", options(daemon), NAMESPACE)) {
                guest.start();
                bond(guest);
                isolateTheVnic(guest);
                agrees(guest, daemon);
                pings(guest);
                String changes = carrierChanges(guest);

                inside("ip link set " + WIRES.getFirst() + " down");
                await(guest, "ping -q -c 1 -W 1 198.51.100.2");
                await(guest, "[ $(grep -c 'port state: " + IN_USE + "' " + STATE + ") = 2 ]");
                pings(guest);
                assertThat(daemon.vireo("describe", "uplink", "both"))
                        .contains("member.left")
                        .containsPattern("member.left\\W+down")
                        .containsPattern("member.right\\W+distributing");

                inside("ip link set " + WIRES.getFirst() + " up");
                agrees(guest, daemon);
                pings(guest);
                assertThat(carrierChanges(guest)).as("the card had no event").isEqualTo(changes);
            }
        }
    }

    /** The vNIC is the first card, eth0. */
    private static List<String> options(Daemon daemon) {
        var options = new ArrayList<String>(daemon.attach("bonder", 256));
        for (var wire : WIRES) {
            options.add("-netdev");
            options.add("tap,id=" + wire + ",ifname=" + wire + ",script=no,downscript=no");
            options.add("-device");
            // Without a speed the driver aggregates nothing.
            options.add("virtio-net-pci,netdev=" + wire + ",speed=1000,duplex=full");
        }
        return options;
    }

    private static void bond(Guest guest) {
        guest.output("while read -r module; do insmod $module; done </modules/bonding.order");
        guest.output("ip link show bond0 >/dev/null");
        guest.output(
                "cd /sys/class/net/bond0/bonding && echo 802.3ad >mode && echo fast >lacp_rate"
                        + " && echo 100 >miimon && echo +eth1 >slaves && echo +eth2 >slaves");
        guest.output("ip address add 198.51.100.1/24 dev bond0 && ip link set bond0 up");
    }

    private static void isolateTheVnic(Guest guest) {
        guest.output("unshare -n sleep 1000 & echo $! >/tmp/inside");
        guest.output(
                "until [ $(readlink /proc/$(cat /tmp/inside)/ns/net) != $(readlink /proc/self/ns/net) ];"
                        + " do sleep 0.1; done");
        guest.output("ip link set eth0 netns $(cat /tmp/inside)");
        guest.output(
                "nsenter -t $(cat /tmp/inside) -n sh -c"
                        + " 'ip address add 198.51.100.2/24 dev eth0 && ip link set eth0 up'");
    }

    /**
     * How often the vNIC had a link or lost it, as its driver says; sysfs shows its own namespace.
     */
    private static String carrierChanges(Guest guest) {
        return guest.output(
                "nsenter -t $(cat /tmp/inside) -n sh -c 'mkdir -p /tmp/sys && mount -t sysfs inside /tmp/sys"
                        + " && cat /tmp/sys/class/net/eth0/carrier_changes; umount /tmp/sys'");
    }

    /** Both sides, of both cards: active, short timeout, aggregated, in sync, in full use. */
    private static void agrees(Guest guest, Daemon daemon) {
        await(guest, "[ $(grep -c 'port state: " + IN_USE + "' " + STATE + ") = 4 ]");
        String state = guest.output("cat " + STATE);
        assertThat(state).contains("IEEE 802.3ad Dynamic link aggregation", "Number of ports: 2");
        var partners = state.lines().filter(line -> line.contains("Partner Mac Address")).toList();
        assertThat(partners).isNotEmpty().noneMatch(line -> line.contains("00:00:00:00:00:00"));
        assertThat(daemon.vireo("describe", "uplink", "both"))
                .containsPattern("member.left\\W+distributing")
                .containsPattern("member.right\\W+distributing");
    }

    private static void pings(Guest guest) {
        guest.output("ping -q -c 5 -W 5 198.51.100.2");
        // Larger than the MTU: fragments, and many of them.
        guest.output("ping -q -c 3 -W 5 -s 20000 198.51.100.2");
    }

    private static void await(Guest guest, String condition) {
        String loop =
                "for i in $(seq %d); do %s >/dev/null 2>&1 && exit 0; sleep 0.5; done; cat %s; exit 1";
        guest.output("(" + loop.formatted(LOOKS, condition, STATE) + ")");
    }

    private static void inside(String command) {
        HostShell.inside(NAMESPACE, command);
    }
}
