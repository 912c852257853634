package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.Eventually;
import io.vireo.testkit.HostShell;
import java.net.InetAddress;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.json.JsonMapper;

/**
 * IGMP and MLD snooping with the kernel's own: a bridge behind the uplink asks who wants what, and
 * listens to what the stations say; the stations are sockets in namespaces, three at cards of ours
 * and one outside, at the bridge.
 *
 * <p>Each station sends numbers. Behind each one that goes to a group goes one to all stations: who
 * has heard that has got the one before, or never will. All cards and the bridge's end of the wire
 * are captured, and in the end it is looked at who got which.
 */
class MulticastIT {
    private static final String PREFIX = "vireo-multicast-";
    private static final String WIRE = PREFIX + "wire";
    private static final String BRIDGE = PREFIX + "bridge";
    private static final String OUTSIDE = PREFIX + "outside";
    private static final int CARDS = 3;
    private static final String GROUP_4 = "239.1.2.3";
    private static final String GROUP_6 = "ff05::1:2:3";

    /** The bridge's end of the wire to our uplink, and the card of the station outside. */
    private static final String UPLINK = "wire1";

    private static final String OUT = "out0";

    /** Of the bridge, so many queries of IGMP and MLD have one of each among them, and more. */
    private static final int SOME_QUERIES = 6;

    /** An IP version: its stations by their interfaces, and a group that they may join. */
    private record Family(InetAddress group, InetAddress all, Map<String, GroupStation> stations) {
        static Family of(String group, String all) {
            return new Family(
                    InetAddress.ofLiteral(group), InetAddress.ofLiteral(all), new TreeMap<>());
        }

        GroupStation at(String card) {
            return Objects.requireNonNull(stations.get(card), card);
        }
    }

    private final Bed bed = Bed.prepare(Path.of(".."), "multicast");
    private final Daemon daemon = new Daemon(bed);
    private final List<Family> families =
            List.of(Family.of(GROUP_4, "224.0.0.1"), Family.of(GROUP_6, "ff02::1"));
    private final Map<String, WireCapture> captures = new TreeMap<>();
    private final Map<String, List<Integer>> expected = new TreeMap<>();
    private int sent;

    @BeforeEach
    void makeNamespaces() {
        for (var name : namespaces()) {
            HostShell.makeNamespace(name);
            HostShell.inside(name, "echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad");
        }
        wire(WIRE, "wire0", UPLINK);
        wire(OUTSIDE, OUT, "out1");
        HostShell.run("ip -n " + OUTSIDE + " link set " + OUT + " up");
        HostShell.run("ip -n " + OUTSIDE + " address add 192.0.2.99/24 dev " + OUT);
        HostShell.run(
                ("ip -n %s link add br0 type bridge mcast_snooping 1"
                                + " mcast_igmp_version 3 mcast_mld_version 2 mcast_query_use_ifaddr 1"
                                + " mcast_query_interval 100 mcast_startup_query_interval 100"
                                + " mcast_query_response_interval 50 mcast_last_member_interval 50")
                        .formatted(BRIDGE));
        // When it has its times: it sends all to all for as long as an answer may take by then.
        HostShell.run("ip -n " + BRIDGE + " link set br0 type bridge mcast_querier 1");
        HostShell.run("ip -n " + BRIDGE + " address add 192.0.2.254/24 dev br0");
        for (var link : List.of("br0", UPLINK + " master br0", "out1 master br0")) {
            HostShell.run("ip -n " + BRIDGE + " link set " + link + " up");
        }
    }

    private static void wire(String namespace, String near, String far) {
        HostShell.run(
                "ip -n %s link add %s type veth peer name %s netns %s"
                        .formatted(namespace, near, far, BRIDGE));
    }

    private static List<String> namespaces() {
        var names = new ArrayList<>(List.of(WIRE, BRIDGE, OUTSIDE));
        for (int i = 1; i <= CARDS; i++) {
            names.add(PREFIX + i);
        }
        return names;
    }

    @AfterEach
    void end() {
        families.forEach(family -> family.stations.values().forEach(GroupStation::close));
        captures.values().forEach(WireCapture::close);
        daemon.close();
        namespaces().forEach(HostShell::removeNamespace);
    }

    @Test
    @Timeout(300)
    void multicastsGoToWhoToldTheKernelsBridgeThatHeWantsThem() {
        daemon.start();
        daemon.apply(Path.of("src/test/resources/multicast.yaml"));
        placeStations();
        Eventually.slowly("both routers are known", () -> metric("router_ports") == 2);
        for (int version : new int[] {3, 2}) {
            ask(version);
            // What is said in the newer version the bridge passes on to us too, as if it were ours.
            membersComeAndGo(version == 2);
            if (version == 3) {
                sourcesComeAndGo();
            }
        }
        readCaptures();
    }

    private void placeStations() {
        place(BRIDGE, UPLINK);
        place(OUTSIDE, OUT);
        for (int i = 1; i <= CARDS; i++) {
            HostShell.run(
                    "ip -n %1$s%2$d address add 192.0.2.%2$d/24 dev card%2$d".formatted(PREFIX, i));
            place(PREFIX + i, "card" + i);
        }
        for (var family : families) {
            captures.keySet().stream()
                    .filter(card -> !card.equals(UPLINK))
                    .forEach(card ->
                            family.stations.put(
                                    card, GroupStation.open(namespace(card), card, family.all)));
        }
    }

    private static String namespace(String card) {
        return card.equals(OUT) ? OUTSIDE : PREFIX + card.substring("card".length());
    }

    private void place(String namespace, String card) {
        captures.put(card, WireCapture.begin(bed.run(), namespace, card));
        expected.put(card, new ArrayList<>());
    }

    /** Has the bridge ask in a version of IGMP, and the one of MLD that is of the same age. */
    private void ask(int version) {
        HostShell.run(
                "ip -n %s link set br0 type bridge mcast_igmp_version %d mcast_mld_version %d"
                        .formatted(BRIDGE, version, version - 1));
        long before = metric("queries_total");
        Eventually.slowly("all were asked", () -> metric("queries_total") >= before + SOME_QUERIES);
    }

    /**
     * @param outsideToo whether the station outside is a member for a time
     */
    private void membersComeAndGo(boolean outsideToo) {
        assertThat(metric("memberships")).isZero();
        send(OUT);
        send("card3", UPLINK);

        join("card1");
        Eventually.slowly("the bridge knows who wants it", () -> isWantedAt(UPLINK));
        send(OUT, UPLINK, "card1");
        send("card3", UPLINK, "card1");

        join("card2");
        Eventually.slowly("two cards want two groups", () -> metric("memberships") == 4);
        send(OUT, UPLINK, "card1", "card2");
        send("card3", UPLINK, "card1", "card2");
        send("card1", UPLINK, "card2");
        if (outsideToo) {
            join(OUT);
            Eventually.slowly("the bridge knows who wants it", () -> isWantedAt("out1"));
            send("card3", UPLINK, "card1", "card2", OUT);
            leave(OUT);
            Eventually.slowly("the bridge knows nobody there", () -> isWantedNowhere("out1"));
        }

        leave("card1");
        Eventually.slowly("a card is left", () -> metric("memberships") == 2);
        assertThat(isWantedAt(UPLINK)).isTrue();
        send(OUT, UPLINK, "card2");
        send("card3", UPLINK, "card2");

        leave("card2");
        Eventually.slowly("no card is left", () -> metric("memberships") == 0);
        Eventually.slowly("the bridge knows nobody there", () -> isWantedNowhere(UPLINK));
        assertThat(metric("groups")).isZero();
        send("card3", UPLINK);
        send(OUT);
    }

    /** Cards want the group from card3 or from outside only, and the one before the other. */
    private void sourcesComeAndGo() {
        joinFrom("card3", "card1");
        joinFrom("card3", "card2");
        Eventually.slowly("two cards want two groups", () -> metric("memberships") == 4);
        send("card3", UPLINK, "card1", "card2");
        joinFrom(OUT, "card2");
        Eventually.slowly("the bridge knows who is wanted", () -> isWantedFrom(OUT));

        // The later one is asked about last: when it is forgotten the other one is so too.
        leaveFrom("card3", "card2");
        leaveFrom("card3", "card1");
        Eventually.slowly("a card is left", () -> metric("memberships") == 2);
        send(OUT, UPLINK, "card2");

        leaveFrom(OUT, "card2");
        Eventually.slowly("no card is left", () -> metric("memberships") == 0);
        Eventually.slowly("the bridge knows nobody there", () -> isWantedNowhere(UPLINK));
        send("card3", UPLINK);
        send(OUT);
    }

    private void joinFrom(String source, String card) {
        families.forEach(family -> family.at(card).join(family.group, family.at(source).address()));
    }

    private void leaveFrom(String source, String card) {
        families.forEach(
                family -> family.at(card).leave(family.group, family.at(source).address()));
    }

    private boolean isWantedFrom(String source) {
        return families.stream()
                .allMatch(family -> isInMdb(UPLINK, family, Optional.of(family.at(source))));
    }

    private void join(String card) {
        families.forEach(family -> family.at(card).join(family.group));
    }

    private void leave(String card) {
        families.forEach(family -> family.at(card).leave(family.group));
    }

    /**
     * Sends a number to each group, and to all stations.
     *
     * @param to where those to groups come by; members among them hear them
     */
    private void send(String from, String... to) {
        for (var family : families) {
            int limited = ++sent;
            family.at(from).send(family.group, limited);
            int toAll = ++sent;
            family.at(from).send(family.all, toAll);
            at(from).add(limited);
            for (var card : to) {
                at(card).add(limited);
                if (!card.equals(UPLINK)) {
                    family.at(card).hear(limited);
                }
            }
            expected.values().forEach(numbers -> numbers.add(toAll));
            family.stations.forEach((card, station) -> {
                if (!card.equals(from)) {
                    station.hear(toAll);
                }
            });
        }
    }

    private List<Integer> at(String card) {
        return Objects.requireNonNull(expected.get(card), card);
    }

    private boolean isWantedAt(String port) {
        return families.stream().allMatch(family -> isInMdb(port, family, Optional.empty()));
    }

    private boolean isWantedNowhere(String port) {
        return families.stream().noneMatch(family -> isInMdb(port, family, Optional.empty()));
    }

    /** Whether the bridge knows members of a group at a port of it, or those of one source. */
    private static boolean isInMdb(String port, Family family, Optional<GroupStation> source) {
        var shown = HostShell.run("bridge -n " + BRIDGE + " -j mdb show dev br0");
        for (var entry : JsonMapper.builder().build().readTree(shown).path(0).path("mdb")) {
            var group = InetAddress.ofLiteral(entry.path("grp").asString());
            var from = entry.path("src").asString("");
            if (group.equals(family.group)
                    && entry.path("port").asString().equals(port)
                    && source.map(station -> station.isAt(from)).orElse(true)) {
                return true;
            }
        }
        return false;
    }

    private long metric(String name) {
        var line = Pattern.compile("(?m)^vireo_network_multicast_" + name + "\\{.*} (\\S+)$");
        var found = line.matcher(UnixHttp.get(daemon.apiSocket(), "/metrics"));
        assertThat(found.find()).as(name).isTrue();
        return (long) Double.parseDouble(found.group(1));
    }

    private void readCaptures() {
        captures.forEach((card, capture) -> {
            var frames = all(card, capture);
            capture.end();
            assertThat(numbers(frames))
                    .as("what came by at " + card)
                    .containsExactlyElementsOf(at(card));
            // By their lengths, MLD of version 1 and 2.
            assertThat(versions(frames, "0x11")).contains("2", "3");
            assertThat(versions(frames, "130")).contains("32", "36");
            if (card.equals(UPLINK)) {
                assertThat(reports(frames)).contains("0x22", "0x16", "0x17", "143", "131", "132");
            } else if (card.equals("card3")) {
                assertThat(reports(frames)).as("they are for the router").isEmpty();
            }
        });
    }

    /** What was captured; the last that was sent is waited for. */
    private List<Frame> all(String card, WireCapture capture) {
        var frames = new ArrayList<Frame>();
        Eventually.slowly(
                "the last is captured at " + card,
                () -> {
                    frames.clear();
                    capture.frames(Frame.FILTER, Frame.FIELDS)
                            .forEach(line -> frames.add(Frame.of(line)));
                    return numbers(frames).contains(sent);
                });
        return frames;
    }

    private static List<Integer> numbers(List<Frame> frames) {
        return frames.stream()
                .map(Frame::number)
                .filter(number -> !number.isEmpty())
                .map(number -> Integer.parseInt(number, 16))
                .toList();
    }

    private static Set<String> versions(List<Frame> frames, String query) {
        return frames.stream()
                .filter(frame -> frame.message.equals(query))
                .map(Frame::version)
                .collect(Collectors.toSet());
    }

    /** Types of the messages in which stations say that they want the groups, or do no more. */
    private static Set<String> reports(List<Frame> frames) {
        return frames.stream()
                .filter(frame -> frame.isOfOurGroups() && !frame.isQuery())
                .map(Frame::message)
                .collect(Collectors.toSet());
    }

    /**
     * A number that a station has sent, or a message of IGMP or MLD.
     *
     * @param number in hexadecimal digits; empty: none
     * @param message its type, of IGMP in hexadecimal digits
     * @param version of IGMP; of MLD the length of the packet
     * @param groups that it is about
     */
    private record Frame(String number, String message, String version, String groups) {
        private static final String FILTER =
                "udp.dstport == %d || udp.dstport == %d || igmp || icmpv6.type in {130, 131, 132, 143}"
                        .formatted(GroupStation.PORT_4, GroupStation.PORT_6);
        private static final String[] FIELDS = {
            "udp.payload",
            "igmp.type",
            "icmpv6.type",
            "igmp.version",
            "ipv6.plen",
            "igmp.maddr",
            "icmpv6.mld.multicast_address",
            "icmpv6.mldr.mar.multicast_address"
        };

        static Frame of(String line) {
            var words = line.split("\\+", -1);
            return new Frame(
                    words[0],
                    words[1] + words[2],
                    words[3] + words[4],
                    words[5] + words[6] + words[7]);
        }

        boolean isQuery() {
            return message.equals("0x11") || message.equals("130");
        }

        boolean isOfOurGroups() {
            return groups.contains(GROUP_4) || groups.contains(GROUP_6);
        }
    }
}
