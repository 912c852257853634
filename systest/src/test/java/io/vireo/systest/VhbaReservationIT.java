package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What is reserved for a vHBA, as an operator declares it and as initiators of QEMU get it. */
class VhbaReservationIT {
    private static final int WINDOW = 2_000;
    private static final Pattern COMMANDS =
            Pattern.compile("vireo_vhba_commands_total\\{(.*)} ([0-9.E]+)");

    @TempDir Path directory;

    private static JsonNode attributes(Daemon daemon, String kind, String name) {
        return JsonMapper.builder()
                .build()
                .readTree(daemon.vireo("get", kind, name, "-o", "json"))
                .path("status")
                .path("attributes");
    }

    /** Reads a LUN of a target, 64 requests at a time, until it is ended. */
    private static Process load(String portal, String target, int lun) throws IOException {
        String url = "iscsi://" + portal + "/iqn.2026-11.io.vireo:" + target + "/" + lun;
        return new ProcessBuilder(
                        "qemu-img",
                        "bench",
                        "-f",
                        "raw",
                        "-d",
                        "64",
                        "-c",
                        "50000000",
                        "-s",
                        "4096",
                        "-t",
                        "none",
                        url)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /** Commands that a vHBA, or all of them, have ended. */
    private static double commands(Daemon daemon, String of) {
        return UnixHttp.get(daemon.apiSocket(), "/metrics")
                .lines()
                .map(COMMANDS::matcher)
                .filter(Matcher::matches)
                .filter(line -> line.group(1).contains(of))
                .mapToDouble(line -> Double.parseDouble(line.group(2)))
                .sum();
    }

    /** Which part of the next commands are those of db1. */
    private static double part(Daemon daemon) {
        double begin = commands(daemon, "\"db1\"");
        double all = commands(daemon, "");
        while (commands(daemon, "") - all < WINDOW) {
            Processes.pause(50);
        }
        return (commands(daemon, "\"db1\"") - begin) / (commands(daemon, "") - all);
    }

    private void change(Daemon daemon, String kind, String name, String spec) throws IOException {
        Path file = directory.resolve("change.yaml");
        Files.writeString(
                file,
                "apiVersion: vireo/v1\nkind: "
                        + kind
                        + "\nmetadata: {name: "
                        + name
                        + "}\nspec: "
                        + spec
                        + "\n");
        daemon.vireo("apply", "-f", file.toString());
    }

    private static void await(Daemon daemon, String kind, String name, String text) {
        String shown = "";
        for (int look = 0; look < 300; look++) {
            shown = daemon.vireo("describe", kind, name);
            if (shown.contains(text)) {
                return;
            }
            Processes.pause(100);
        }
        throw new AssertionError("no " + text + " in " + shown);
    }

    @Test
    @Timeout(180)
    void aVhbaHasWhatIsReservedForItOnAVdiskThatAnotherKeepsBusy() throws Exception {
        Path repository = Path.of("..").toAbsolutePath().normalize();
        Bed bed = new Bed(repository, directory, new Bed.Emulator("", false));
        List<Process> loads = new ArrayList<>();
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(Path.of("src/test/resources/vhba-reservation.yaml"));
            assertThat(attributes(daemon, "vhba", "db1").path("iopsReserved").asString(""))
                    .isEqualTo("400");
            assertThat(attributes(daemon, "pool", "main").path("iopsReserved").asString(""))
                    .isEqualTo("400");
            String portal = attributes(daemon, "iscsiportal", "san").path("address").asString("");
            loads.add(load(portal, "db1", 0));
            loads.add(load(portal, "web1", 0));
            loads.add(load(portal, "web1", 1));
            part(daemon);
            // 400 of 1,000, which any machine does.
            assertThat(part(daemon)).isBetween(0.3, 0.5);
            // What the pool cannot hold is refused with the sum, and changes nothing.
            change(daemon, "DiskQosPolicy", "gold", "{reservation: 1001}");
            await(
                    daemon,
                    "diskqospolicy",
                    "gold",
                    "reservations of 1001 IOPS are more than the 1000 of pool main: vHBA db1 1001");
            assertThat(attributes(daemon, "vhba", "db1").path("iopsReserved").asString(""))
                    .isEqualTo("400");
            change(daemon, "DiskQosPolicy", "silver", "{reservedBandwidth: 32Mi}");
            change(
                    daemon,
                    "Vhba",
                    "web1",
                    "{iqn: \"iqn.2026-11.io.vireo:web1\", qosPolicy: silver, luns: [{lun: 0, vdisk: shared},"
                            + " {lun: 1, vdisk: noise}]}");
            await(
                    daemon,
                    "vhba",
                    "web1",
                    "reservations of 2448 IOPS are more than the 1000 of pool main: vHBA db1 400, vHBA web1 2048");
            // Without it db1 has its part of the shares.
            change(daemon, "DiskQosPolicy", "gold", "{}");
            await(daemon, "pool", "main", "iopsReserved");
            part(daemon);
            assertThat(part(daemon)).isLessThan(0.2);
        } finally {
            loads.forEach(Process::destroyForcibly);
        }
    }
}
