package io.vireo.systest;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * VLANs of the kernel's own stack beyond each kind of uplink: VLAN interfaces on the other end of
 * the wire, then a bridge that filters VLANs, with tagged and untagged ports; and uplinks that are
 * VLAN interfaces themselves. All in a guest, since not every host's kernel has VLAN interfaces.
 *
 * <p>Networks, and the namespaces that their wires lead to, are called after the kind of uplink.
 * The cards are in a namespace of theirs: one without VLAN, one of VLAN 10, and one with VLAN 20
 * tagged and 30 as its native one. Addresses are 10.KIND.VLAN.1 beyond the wire and .2 at the card.
 */
class VlanPeersIT {
    private static final List<String> KINDS = List.of("tap", "packet", "xdp");

    /** On {@code link0}, by their VLAN. */
    private static final List<String> OVER_VLANS = List.of("50 vpacket", "60 vxdp", "70 service");

    private final Bed bed = Bed.prepare(Path.of(".."), "vlans");
    private DaemonGuest guest;

    @SuppressWarnings("NullAway.Init") // set before each test
    VlanPeersIT() {}

    @BeforeEach
    void boot() {
        var resources = Path.of("src/test/resources");
        guest =
                DaemonGuest.boot(
                        bed,
                        List.of("8021q", "veth", "bridge", "tun"),
                        List.of(
                                resources.resolve("vlanpeers.yaml"),
                                resources.resolve("vlan-path")));
        guest.run("head -c 200000 /dev/urandom >/tmp/data");
    }

    @AfterEach
    void close() {
        guest.close();
    }

    @Test
    @Timeout(1200)
    void vlansOfTheKernelAndOursAreTheSame() {
        makeWires();
        guest.startDaemon();
        guest.apply("vlanpeers.yaml");
        addressCards();
        for (int kind = 0; kind < KINDS.size(); kind++) {
            makeVlanInterfaces(kind);
            paths(kind, KINDS.get(kind), KINDS.get(kind), KINDS.get(kind));
            pathWithTwoTags(kind);
            vlansAreApart(kind);
            makeBridge(kind);
            paths(kind, "access0", "access10", "access20");
            removeBridge(kind);
        }
        uplinksThatAreVlans();
    }

    private void makeWires() {
        guest.run("for n in cards %s link; do ip netns add $n; done".formatted(kinds()));
        guest.run(
                "for n in packet xdp link; do ip link add ${n}0 type veth peer name ${n}1 netns $n;"
                        + " ip link set ${n}0 up; ip -n $n link set ${n}1 up; done");
        // What is beside a frame AF_XDP does not see.
        guest.run(
                "ip netns exec xdp ethtool -K xdp1 tx off txvlan off tx-vlan-stag-hw-insert off; ip netns exec link ethtool -K link1 tx off");
        guest.run(
                "ip link add link link0 name link0.50 type vlan id 50;"
                        + " ip link add link link0 name link0.60 type vlan id 60;"
                        + " ip link add link link0 name link0.70 type vlan proto 802.1ad id 70");
        // An interface answers for its own addresses only: who is asked in a wrong VLAN is silent.
        guest.run(
                "for n in cards %s link; do ip netns exec $n bash -c \"echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore\"; done"
                        .formatted(kinds()));
    }

    private static String kinds() {
        return String.join(" ", KINDS);
    }

    private void addressCards() {
        for (int kind = 0; kind < KINDS.size(); kind++) {
            String name = KINDS.get(kind);
            guest.run(vlan("cards", name + "-trunk", name + "-trunk.20", 20));
            address("cards", name + "-none", kind, 0, 2);
            address("cards", name + "-access", kind, 10, 2);
            address("cards", name + "-trunk.20", kind, 20, 2);
            address("cards", name + "-trunk", kind, 30, 2);
        }
    }

    private static String vlan(String namespace, String link, String name, int id) {
        return "ip -n %1$s link add link %2$s name %3$s type vlan id %4$d; ip -n %1$s link set %3$s up"
                .formatted(namespace, link, name, id);
    }

    private void address(String namespace, String card, int kind, int vlan, int host) {
        guest.run(
                "ip -n %s address add 10.%d.%d.%d/24 dev %s"
                        .formatted(namespace, kind, vlan, host, card));
    }

    private void makeVlanInterfaces(int kind) {
        String name = KINDS.get(kind);
        String wire = name + "1";
        address(name, wire, kind, 0, 1);
        for (int id : new int[] {10, 20, 30}) {
            guest.run(vlan(name, wire, wire + "." + id, id));
            address(name, wire + "." + id, kind, id, 1);
        }
    }

    /** Four VLANs, of which the untagged one and the native one of the trunk are two. */
    private void paths(int kind, String none, String ten, String twenty) {
        path(none, kind, 0);
        path(ten, kind, 10);
        path(twenty, kind, 20);
        path(KINDS.get(kind), kind, 30);
    }

    private void path(String namespace, int kind, int vlan) {
        guest.run(
                "/vlan-path %1$s 10.%2$d.%3$d.1 cards 10.%2$d.%3$d.2"
                        .formatted(namespace, kind, vlan));
    }

    /** A customer's tag inside of the trunk's VLAN, and a service tag where there is no VLAN. */
    private void pathWithTwoTags(int kind) {
        String name = KINDS.get(kind);
        String service =
                "ip -n %1$s link add link %2$s name %3$s type vlan proto 802.1ad id 5;"
                        + " ip -n %1$s link set %3$s up";
        guest.run(vlan(name, name + "1.20", "inner", 5));
        guest.run(vlan("cards", name + "-trunk.20", "inner", 5));
        guest.run(service.formatted(name, name + "1", "service"));
        guest.run(service.formatted("cards", name + "-none", "service"));
        int vlan = 100;
        for (var inside : List.of("inner", "service")) {
            for (var namespace : List.of(name, "cards")) {
                // The second tag is not beside the MTU of the wire.
                guest.run("ip -n %s link set %s mtu 1496".formatted(namespace, inside));
                address(namespace, inside, kind, vlan, namespace.equals(name) ? 1 : 2);
            }
            path(name, kind, vlan++);
            guest.run("ip -n %s link del %s; ip -n cards link del %2$s".formatted(name, inside));
        }
    }

    /** Who asks in another VLAN is not answered, in no direction. */
    private void vlansAreApart(int kind) {
        String name = KINDS.get(kind);
        String ask = "! ip netns exec %s ping -q -c 1 -W 1 -I %s 10.%d.%d.%d";
        guest.run(ask.formatted(name, name + "1.10", kind, 0, 2));
        guest.run(ask.formatted(name, name + "1.30", kind, 20, 2));
        guest.run(ask.formatted(name, name + "1", kind, 10, 2));
        guest.run(ask.formatted("cards", name + "-access", kind, 0, 1));
        guest.run(ask.formatted("cards", name + "-trunk", kind, 20, 1));
    }

    /**
     * The wire is a port of a bridge: VLAN 1 untagged, the others tagged. Three namespaces are at
     * untagged ports; VLAN 30 is an interface of the bridge itself.
     */
    private void makeBridge(int kind) {
        String name = KINDS.get(kind);
        guest.run(
                "for i in 10 20 30; do ip -n %1$s link del %1$s1.$i; done; ip -n %1$s address flush dev %1$s1"
                        .formatted(name));
        guest.run(
                "ip -n %1$s link add br0 type bridge vlan_filtering 1; ip -n %1$s link set br0 up; ip -n %1$s link set %1$s1 master br0"
                        .formatted(name));
        guest.run(
                "for i in 10 20 30; do bridge -n %1$s vlan add dev %1$s1 vid $i; done; bridge -n %1$s vlan add dev br0 vid 30 self"
                        .formatted(name));
        guest.run(vlan(name, "br0", "br0.30", 30));
        address(name, "br0.30", kind, 30, 1);
        for (int id : new int[] {0, 10, 20}) {
            guest.run(
                    "ip netns add access%2$d; ip -n %1$s link add port%2$d type veth peer name eth0 netns access%2$d; ip -n %1$s link set port%2$d master br0; ip -n %1$s link set port%2$d up; ip -n access%2$d link set eth0 up"
                            .formatted(name, id));
            address("access" + id, "eth0", kind, id, 1);
            if (id > 0) {
                guest.run(
                        "bridge -n %1$s vlan del dev port%2$d vid 1; bridge -n %1$s vlan add dev port%2$d vid %2$d pvid untagged"
                                .formatted(name, id));
            }
        }
    }

    private void removeBridge(int kind) {
        guest.run(
                "ip -n %s link del br0; for i in 0 10 20; do ip netns del access$i; done"
                        .formatted(KINDS.get(kind)));
    }

    /**
     * One of them by a service tag. What a card has of VLAN 10 is inside of the interface's tag.
     */
    private void uplinksThatAreVlans() {
        for (var each : OVER_VLANS) {
            int vlan = Integer.parseInt(each.substring(0, 2));
            String name = each.substring(3);
            String outer = "link1." + vlan;
            String protocol = name.equals("service") ? "802.1ad" : "802.1Q";
            guest.run(
                    "ip -n link link add link link1 name %1$s type vlan proto %2$s id %3$d; ip -n link link set %1$s up"
                            .formatted(outer, protocol, vlan));
            guest.run(vlan("link", outer, outer + ".10", 10));
            address("link", outer, vlan, 0, 1);
            address("link", outer + ".10", vlan, 10, 1);
            address("cards", name + "-none", vlan, 0, 2);
            address("cards", name + "-inner", vlan, 10, 2);
            path("link", vlan, 0);
            path("link", vlan, 10);
        }
    }
}
