package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.Eventually;
import io.vireo.testkit.HostShell;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What leaves the host when a stock guest leaves checksums and segmentation to its cards, and the
 * way out can do neither: by TAP and a bridge, by a packet socket, by AF_XDP. tshark judges each
 * frame at the far ends of the wires. The same guest has a card of 16 pairs of queues.
 */
class EgressIT {
    private static final String NEAR = "vireo-egress-near";
    private static final String FAR = "vireo-egress-far";
    private static final int MEMORY_MIB = 512;
    private static final int DATA = 1 << 20;
    private static final int DATAGRAMS = 20;
    private static final int DATAGRAM = 701;
    private static final int FLOWS = 24;

    /** The first of their ports. */
    private static final int FLOW = 5101;

    private static final String MACS = "eth.src[0:5] == 52:54:00:76:6a";

    /** How frames get their VLAN. */
    private static final List<String> KINDS = List.of("none", "by the guest", "by the switch");

    /** A way out: its network, and the far end of its wire. */
    private enum Way {
        TAP("tap", "tw1"),
        PACKET("packet", "pw1"),
        XDP("xdp", "xw1");

        private final String network;
        private final String wire;

        Way(String network, String wire) {
            this.network = network;
            this.wire = wire;
        }

        /** The guest's interface. */
        String card(int kind) {
            int first = 2 * ordinal();
            return switch (kind) {
                case 0 -> "eth" + first;
                case 1 -> "eth" + (first + 1) + ".5";
                default -> "eth" + (first + 1);
            };
        }

        /** The interface that the far end has of it. */
        String far(int kind) {
            return wire.charAt(0) + List.of("f0", "f5", "f6").get(kind);
        }

        String ipv4(int kind) {
            return "198.18." + (10 * (ordinal() + 1) + kind) + ".";
        }

        String ipv6(int kind) {
            return "2001:db8:" + (ordinal() + 1) + ":" + kind + "::";
        }

        /** Somebody whom the far end does not know: what is sent there is answered by nobody. */
        String beyondIpv4(int kind) {
            return "198.51.100." + (10 * (ordinal() + 1) + kind);
        }

        String beyondIpv6(int kind) {
            return "2001:db8:99::" + (10 * (ordinal() + 1) + kind);
        }
    }

    private final Bed bed = Bed.prepare(Path.of(".."), "egress");
    private final Map<Way, WireCapture> captures = new EnumMap<>(Way.class);

    @BeforeEach
    void makeWires() {
        HostShell.makeNamespace(NEAR);
        HostShell.makeNamespace(FAR);
        for (var wire : List.of("tw", "pw", "xw")) {
            near("ip link add " + wire + "0 type veth peer name " + wire + "1 netns " + FAR);
            near("ethtool -K " + wire + "0 tx off tso off gso off gro off sg off txvlan off");
            far("ethtool -K " + wire + "1 tx off tso off gso off gro off sg off txvlan off");
        }
        near("ip link add br0 type bridge && ip link set br0 up");
        near("ip link set tw0 master br0 && ip link set tw0 up");
        far("sysctl -q -w net.ipv4.ip_forward=0 && ip link set lo up");
    }

    /** Kernels without VLAN devices have their tags taken out by networks of Vireo, too. */
    private static void addressFarEnds() {
        for (var way : Way.values()) {
            for (int kind = 0; kind < KINDS.size(); kind++) {
                String card = way.far(kind);
                far("ip link set %s up".formatted(card));
                far("ip address add %s2/24 dev %s".formatted(way.ipv4(kind), card));
                far("ip address add %s2/64 dev %s nodad".formatted(way.ipv6(kind), card));
            }
        }
    }

    @AfterEach
    void removeWires() {
        captures.values().forEach(WireCapture::close);
        HostShell.removeNamespace(NEAR);
        HostShell.removeNamespace(FAR);
    }

    @Test
    @Timeout(600)
    void whatLeavesIsWholeAndRight() {
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(Path.of("src/test/resources/egress.yaml"));
            near("ip link set vireo0 master br0 up");
            addressFarEnds();
            var options = new ArrayList<String>(daemon.attach("sender", MEMORY_MIB));
            options.addAll(List.of("-smp", "2"));
            try (var guest = new Guest(bed, "sender", options)) {
                guest.start();
                configure(guest);
                leavesOffloadsToItsCards(guest);
                capture();
                sendsStreams(guest);
                sendsDatagrams(guest);
                for (var way : Way.values()) {
                    new OddSender(bed, way.network, mac(way)).send();
                }
                endCaptures();
                sixteenPairsAndOne(guest);
                ringsKeepTheirSize(guest);
            }
        }
        for (var capture : captures.values()) {
            var guests = new Verdict(capture.file(), MACS);
            guests.check(KINDS.size() * 2, DATA);
            assertThat(guests.datagrams())
                    .hasSize(KINDS.size() * 2)
                    .allSatisfy(
                            (to, sent) -> assertThat(sent).as(to).isEqualTo(DATAGRAMS * DATAGRAM));
            new Verdict(capture.file(), OddSender.FILTER)
                    .check(OddSender.FRAMES, OddSender.PAYLOAD);
        }
    }

    private static void configure(Guest guest) {
        guest.output("while read -r module; do insmod $module; done </modules/8021q.order");
        var script = new StringBuilder("cd /proc/sys/net/ipv6/conf && echo 0 >default/accept_dad");
        for (var way : Way.values()) {
            script.append(" && ip link set ").append(way.card(0)).append(" up");
            script.append(" && ip link set ").append(way.card(2)).append(" up");
            script.append(" && ip link add link ").append(way.card(2));
            script.append(" name ").append(way.card(1)).append(" type vlan id 5");
            script.append(" && ip link set ").append(way.card(1)).append(" up");
        }
        guest.output(script.toString());
        for (var way : Way.values()) {
            for (int kind = 0; kind < KINDS.size(); kind++) {
                String card = way.card(kind);
                guest.output("echo 0 >/proc/sys/net/ipv6/conf/" + card + "/accept_dad");
                guest.output("ip address add " + way.ipv4(kind) + "1/24 dev " + card);
                guest.output("ip address add " + way.ipv6(kind) + "1/64 dev " + card);
                guest.output(
                        "ip route add " + way.beyondIpv4(kind) + " via " + way.ipv4(kind) + "2");
                guest.output(
                        "ip -6 route add "
                                + way.beyondIpv6(kind)
                                + " via "
                                + way.ipv6(kind)
                                + "2 dev "
                                + card);
            }
        }
    }

    private static void leavesOffloadsToItsCards(Guest guest) {
        for (var way : Way.values()) {
            assertThat(guest.output("ethtool -k " + way.card(0)))
                    .contains("tx-checksumming: on", "tcp-segmentation-offload: on");
        }
    }

    private void capture() {
        for (var way : Way.values()) {
            captures.put(way, WireCapture.begin(bed.run(), FAR, way.wire));
        }
    }

    /** What was sent last is in the files. */
    private void endCaptures() {
        captures.forEach((way, capture) -> {
            Eventually.slowly(
                    way + " has all that the odd sender sent",
                    () ->
                            capture.frames(OddSender.FILTER, "frame.number").size()
                                    == OddSender.SEGMENTS);
            capture.end();
        });
    }

    private static void sendsStreams(Guest guest) {
        guest.output("dd if=/dev/urandom of=/tmp/data bs=1k count=1024 2>/dev/null");
        String sum = guest.output("sha256sum </tmp/data");
        Listeners.start(guest, "nc -ll -p 5001 -e cat /tmp/data", 5001);
        for (var way : Way.values()) {
            for (int kind = 0; kind < KINDS.size(); kind++) {
                for (var address : List.of(way.ipv4(kind), way.ipv6(kind))) {
                    assertThat(far("sha256sum </dev/tcp/" + address + "1/5001"))
                            .as("%s, tag %s, %s", way, KINDS.get(kind), address)
                            .isEqualTo(sum);
                }
            }
        }
    }

    private static void sendsDatagrams(Guest guest) {
        for (var way : Way.values()) {
            for (int kind = 0; kind < KINDS.size(); kind++) {
                for (var address : List.of(way.beyondIpv4(kind), way.beyondIpv6(kind))) {
                    guest.output(
                            "bash -c 'dd if=/tmp/data bs=%d count=%d 2>/dev/null >/dev/udp/%s/6001'"
                                    .formatted(DATAGRAM, DATAGRAMS, address));
                }
            }
        }
    }

    /** The second half of the promise about 64 pairs: that a stock guest uses them. */
    private static void sixteenPairsAndOne(Guest guest) {
        // A port for each: a listener of busybox has a backlog of one connection.
        guest.output(
                "for i in $(seq %d %d); do nc -ll -p $i -e cat /tmp/data >/dev/null 2>&1 & done"
                        .formatted(FLOW, FLOW + FLOWS - 1));
        Listeners.await(guest, FLOW, FLOWS);
        assertThat(guest.output("ethtool -l eth0").replaceAll("\\s+", " "))
                .contains("Pre-set maximums: RX: n/a TX: n/a Other: n/a Combined: 16");
        for (int pairs : new int[] {16, 1, 16, 3}) {
            guest.output("ethtool -L eth0 combined " + pairs);
            assertThat(guest.output("ethtool -l eth0").replaceAll("\\s+", " "))
                    .endsWith("Combined: " + pairs);
            passes(guest);
        }
    }

    /** Flows enough for every pair, in both directions. */
    private static void passes(Guest guest) {
        String sum = guest.output("sha256sum </tmp/data");
        String all =
                "for i in $(seq %d %d); do sha256sum </dev/tcp/198.18.10.1/$i & done; wait"
                        .formatted(FLOW, FLOW + FLOWS - 1);
        assertThat(far(all).lines()).hasSize(FLOWS).allMatch(sum::equals);
        guest.output("ping -q -c 3 -W 5 198.18.10.2");
    }

    /** QEMU does not convey the reset of a queue: the guest is refused instead of broken. */
    private static void ringsKeepTheirSize(Guest guest) {
        assertThat(guest.run("ethtool -G eth0 rx 128 tx 128", Duration.ofMinutes(1)).status())
                .isNotZero();
        passes(guest);
    }

    private static long mac(Way way) {
        String address = far("cat /sys/class/net/" + way.far(2) + "/address");
        return Long.parseLong(address.replace(":", ""), 16);
    }

    private static String near(String command) {
        return HostShell.inside(NEAR, command);
    }

    private static String far(String command) {
        return HostShell.inside(FAR, command);
    }
}
