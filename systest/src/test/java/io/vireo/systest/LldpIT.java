package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.testkit.HostShell;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * LLDP with lldpd, which is at the other end of two veth pairs, in a namespace of its own. Vireo's
 * ends are the members of a bond.
 */
class LldpIT {
    private static final String OURS = "vireo-lldp-test";
    private static final String THEIRS = "vireo-lldp-peer";
    private static final String LEFT = "vireo-lldp-l";
    private static final String RIGHT = "vireo-lldp-r";

    /** Far less than the 40 seconds after which what is not said again is forgotten. */
    private static final Duration SOON = Duration.ofSeconds(20);

    private final Bed bed = Bed.prepare(Path.of(".."), "lldp");
    private final Daemon daemon = new Daemon(bed);
    private final Path socket = bed.run().resolve("lldpd.sock");
    private @Nullable Process peer;

    @BeforeEach
    void makeWires() {
        HostShell.makeNamespace(OURS);
        HostShell.makeNamespace(THEIRS);
        for (var wire : new String[] {LEFT, RIGHT}) {
            HostShell.run(
                    "ip -n %s link add %s type veth peer name %s netns %s"
                            .formatted(OURS, wire, wire, THEIRS));
            HostShell.run("ip -n %s link set %s up".formatted(THEIRS, wire));
        }
    }

    @AfterEach
    void end() {
        daemon.close();
        endPeer();
        removeNamespaces();
    }

    private static void removeNamespaces() {
        HostShell.removeNamespace(OURS);
        HostShell.removeNamespace(THEIRS);
    }

    @Test
    @Timeout(300)
    void bothSidesKnowEachOtherAndSayWhenTheyLeave() throws IOException {
        daemon.start();
        daemon.apply(Path.of("src/test/resources/lldp.yaml"));
        startPeer();
        await("lldpd knows both uplinks", () -> known(LEFT) && known(RIGHT));
        await("both uplinks know lldpd", () -> knowsPeer("left") && knowsPeer("right"));
        seenByTheirs();
        seenByOurs();
        isSilentWhenTold();

        endPeer();
        await("lldpd said that it leaves", () -> !knowsPeer("left") && !knowsPeer("right"));

        startPeer();
        await("lldpd knows both uplinks again", () -> known(LEFT) && known(RIGHT));
        daemon.close();
        await("Vireo said that it leaves", () -> !known(LEFT) && !known(RIGHT));
    }

    private void seenByTheirs() throws IOException {
        var name = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        var left = neighbor(LEFT);
        var chassis = left.path("chassis").path(0);
        assertThat(text(chassis, "name")).isEqualTo(name);
        assertThat(text(chassis, "descr")).startsWith("Vireo ");
        assertThat(text(chassis, "mgmt-ip")).isEqualTo("192.0.2.1");
        assertThat(chassis.path("id").path(0).path("type").asString("")).isEqualTo("mac");
        assertThat(chassis.path("capability").path(0).path("type").asString(""))
                .isEqualTo("Bridge");
        assertThat(chassis.path("capability").path(0).path("enabled").asBoolean(false)).isTrue();
        var port = left.path("port").path(0);
        assertThat(port.path("id").path(0).path("type").asString("")).isEqualTo("ifname");
        assertThat(text(port, "id")).isEqualTo(LEFT);
        assertThat(text(port, "descr")).isEqualTo("Vireo uplink left");
        assertThat(text(port, "ttl")).isEqualTo("41");
        assertThat(text(port, "mfs")).isEqualTo("1522");
        var other = neighbor(RIGHT);
        assertThat(text(other.path("port").path(0), "id")).isEqualTo(RIGHT);
        assertThat(text(other.path("port").path(0), "ttl")).isEqualTo("121");
        assertThat(text(other.path("chassis").path(0), "id")).isEqualTo(text(chassis, "id"));
    }

    private void seenByOurs() {
        assertThat(daemon.vireo("describe", "uplink", "left"))
                .containsPattern("lldp\\W+both")
                .containsPattern("neighbor.1.systemName\\W+lldp-peer")
                .containsPattern("neighbor.1.systemDescription\\W+a peer")
                .containsPattern("neighbor.1.portDescription\\W+" + LEFT)
                .containsPattern("neighbor.1.chassis\\W+[0-9a-f:]{17}")
                .containsPattern("neighbor.1.ttl\\W+40");
        assertThat(daemon.vireo("get", "uplinks"))
                .contains("NEIGHBOR")
                .containsPattern("left .*lldp-peer [0-9a-f:]{17}")
                .containsPattern("both .*lldp-peer [0-9a-f:]{17}, lldp-peer");
        assertThat(UnixHttp.get(daemon.apiSocket(), "/metrics"))
                .containsPattern("vireo_uplink_lldp_neighbors\\{.*\"left\".*} 1")
                .containsPattern("vireo_uplink_lldp_rx_frames_total\\{.*\"left\".*} [1-9]")
                .containsPattern("vireo_uplink_lldp_tx_frames_total\\{.*\"right\".*} [1-9]")
                .containsPattern("vireo_uplink_lldp_rx_errors_total\\{.*\"left\".*} 0");
    }

    /** Without a new uplink: the other one would be left as well, as the bond is made of both. */
    private void isSilentWhenTold() throws IOException {
        var resources = Path.of("src/test/resources/lldp.yaml");
        var silent = bed.run().resolve("silent.yaml");
        Files.writeString(
                silent,
                Files.readString(resources)
                        .replace("intervalSeconds: 10", "intervalSeconds: 10\n    mode: off"));
        daemon.apply(silent);
        await("the left uplink takes back what it said", () -> !known(LEFT));
        assertThat(known(RIGHT)).isTrue();
        assertThat(daemon.vireo("describe", "uplink", "left"))
                .containsPattern("lldp\\W+off")
                .doesNotContain("lldp-peer");
        daemon.apply(resources);
        await("the left uplink speaks again", () -> known(LEFT));
        assertThat(Files.readString(daemon.log())).doesNotContain("stopping Uplink");
        await("lldpd is heard again", () -> knowsPeer("left"));
    }

    private void startPeer() throws IOException {
        Files.deleteIfExists(socket);
        var settings = bed.run().resolve("lldpd.conf");
        Files.writeString(
                settings, "configure system hostname lldp-peer\nconfigure lldp tx-interval 10\n");
        peer =
                new ProcessBuilder(
                                "ip",
                                "netns",
                                "exec",
                                THEIRS,
                                "lldpd",
                                // In the foreground, which makes no file with its pid either.
                                "-d",
                                "-u",
                                socket.toString(),
                                "-O",
                                settings.toString(),
                                "-S",
                                "a peer")
                        .redirectErrorStream(true)
                        .redirectOutput(bed.run().resolve("lldpd.log").toFile())
                        .start();
        await("lldpd answers", () -> lldpcli("show chassis").isPresent());
    }

    private void endPeer() {
        var running = peer;
        if (running != null) {
            assertThat(Processes.end(running, SOON)).isTrue();
            peer = null;
        }
    }

    private boolean knowsPeer(String uplink) {
        return daemon.vireo("describe", "uplink", uplink).contains("lldp-peer");
    }

    private boolean known(String theirInterface) {
        return text(neighbor(theirInterface).path("port").path(0), "descr").startsWith("Vireo");
    }

    /** What lldpd knows at one of its interfaces. */
    private JsonNode neighbor(String theirInterface) {
        var shown = lldpcli("-f json0 show neighbors details").orElse("{}");
        for (var each :
                JsonMapper.builder()
                        .build()
                        .readTree(shown)
                        .path("lldp")
                        .path(0)
                        .path("interface")) {
            if (each.path("name").asString("").equals(theirInterface)) {
                return each;
            }
        }
        return JsonMapper.builder().build().createObjectNode();
    }

    private static String text(JsonNode node, String field) {
        return node.path(field).path(0).path("value").asString("");
    }

    private Optional<String> lldpcli(String command) {
        var result = HostShell.result("lldpcli -u " + socket + " " + command);
        return result.succeeded() ? Optional.of(result.output()) : Optional.empty();
    }

    private static void await(String what, BooleanSupplier condition) {
        long deadline = System.nanoTime() + SOON.toNanos();
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as(what).isLessThan(deadline);
            Processes.pause(200);
        }
    }
}
