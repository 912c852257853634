package io.vireo.cli;

import static io.vireo.control.testing.Manifests.await;
import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.control.testing.FakeRealization;
import io.vireo.control.testing.Manifests;
import io.vireo.resource.Reference;
import io.vireo.resource.spec.Kinds;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The command against a real interface over its Unix socket. */
final class VireoCliTest extends CliBed {
    @Test
    void appliesAndTellsWhatCameOfIt() {
        applyAll();
        assertThat(out).contains("ServerProfile/web1 created\n").contains("Vdisk/root created\n");

        assertThat(vireo("apply", "-f", directory.resolve("all.yaml").toString())).isZero();
        assertThat(out).contains("Network/lan unchanged\n");
    }

    @Test
    void plansWithoutDoing() {
        assertThat(vireo("plan", "-f", file("all.yaml", ALL))).isZero();
        assertThat(out).startsWith("ACTION  RESOURCE").contains("create  Vnic/web1.eth0");
        assertThat(vireo("get", "all")).isZero();
        assertThat(out).isEqualTo("there are no resources\n");

        applyAll();
        assertThat(vireo("plan", "-f", directory.resolve("all.yaml").toString())).isZero();
        assertThat(out).isEqualTo("nothing to do\n");
    }

    @Test
    void aPlanShowsWhichFieldsChangeAndWhetherThatIsARestart() {
        applyAll();
        String grown =
                ALL.replace("10Gi", "20Gi")
                        .replace("{name: lan}", "{name: lan}\nspec: {vnicPolicy: {macLimit: 4}}");
        String file = file("grown.yaml", grown);
        assertThat(vireo("plan", "-f", file)).as(err).isZero();
        assertThat(out)
                .contains("ACTION  RESOURCE        EFFECT  REASON\n")
                .contains(
                        "update  Vdisk/root      live    its spec changes\n    size: 10Gi -> 20Gi\n")
                .contains(
                        "update  Network/lan     live    its spec changes\n    vnicPolicy: (none) -> {");
        assertThat(vireo("plan", "-f", file, "-o", "yaml")).isZero();
        assertThat(out)
                .contains("effect: LIVE")
                .contains("- field: size\n    before: \"10Gi\"\n    after: \"20Gi\"\n");
        assertThat(vireo("plan", "-f", file, "-o", "json")).isZero();
        assertThat(out).contains("\"field\" : \"size\"");
        String moved = ALL.replace("network: lan,", "network: lan, mac: 52:54:00:00:00:01,");
        assertThat(vireo("plan", "-f", file("moved.yaml", moved))).as(err).isZero();
        assertThat(out)
                .contains("delete  Vnic/web1.eth0      restart  the card has another address\n")
                .contains("create  Vnic/web1.eth0      restart  comes back\n    mac: ")
                .contains(
                        "update  ServerProfile/web1  live     its spec changes\n    vnics[eth0].mac: ")
                .contains(" -> 52:54:00:00:00:01\n");
        assertThat(vireo("plan", "-f", file, "-o", "wide")).isZero();
        assertThat(out).startsWith("ACTION  RESOURCE");
        assertThat(vireo("plan", "-f", file("moved.yaml", moved), "-o", "name")).isZero();
        assertThat(out).isEqualTo("Vnic/web1.eth0\nServerProfile/web1\n");
        assertThat(vireo("plan", "-f", file, "-o", "xml")).isEqualTo(2);
        assertThat(err).contains("TABLE, WIDE, JSON, YAML, NAME");
    }

    @Test
    void aPlanShowsLabelsThatChangeByThemselvesAndWithTheRest() {
        applyAll();
        String labelled = ALL.replace("{name: lan}", "{name: lan, labels: {rack: a}}");
        assertThat(vireo("plan", "-f", file("labelled.yaml", labelled))).as(err).isZero();
        assertThat(out)
                .endsWith(
                        "update  Network/lan  live    its metadata changes\n"
                                + "    metadata.labels.rack: (none) -> a\n");
        assertThat(vireo("apply", "-f", file("labelled.yaml", labelled))).as(err).isZero();
        String both =
                labelled.replace("rack: a}}", "rack: b}}\nspec: {macLimit: 16}")
                        .replace("10Gi", "20Gi");
        assertThat(vireo("plan", "-f", file("both.yaml", both))).as(err).isZero();
        assertThat(out)
                .contains("    macLimit: 16384 -> 16\n    metadata.labels.rack: a -> b\n")
                .doesNotContain("its metadata changes");
        assertThat(vireo("plan", "-f", file("labelled.yaml", labelled))).isZero();
        assertThat(out).isEqualTo("nothing to do\n");
    }

    @Test
    void whatItPrintsCanBeAppliedAgain() {
        applyAll();
        for (String form : List.of("json", "yaml")) {
            assertThat(vireo("get", "all", "-o", form)).isZero();
            String printed = file("again." + form, out);
            assertThat(vireo("apply", "-f", printed)).as(err).isZero();
            assertThat(out.lines()).hasSize(4).allMatch(line -> line.endsWith(" unchanged"));
            assertThat(vireo("get", "profile", "web1", "-o", form)).isZero();
            assertThat(vireo("apply", "-f", file("one." + form, out))).as(err).isZero();
        }
    }

    @Test
    void showsTables() {
        applyAll();
        assertThat(vireo("get", "net")).isZero();
        assertThat(out).matches("NAME  READY  AGE  MESSAGE\nlan   yes    [0-9]+s   -\n");
        assertThat(vireo("get", "Network", "lan", "-o", "wide")).isZero();
        assertThat(out).startsWith("NAME  SPEC");
        assertThat(vireo("get", "all", "-o", "name")).isZero();
        assertThat(out.lines()).contains("Pool/ssd", "ServerProfile/web1").hasSize(4);
        assertThat(vireo("get", "vnics", "-o", "name")).isZero();
        assertThat(out).isEqualTo("Vnic/web1.eth0\n");
        assertThat(vireo("get", "all")).isZero();
        assertThat(out).contains("vdisks/root").contains("vnics/web1.eth0");
    }

    @Test
    void aTableHasNoColumnThatNoRowHasAnythingIn() {
        applyAll();
        assertThat(vireo("get", "vdisks")).isZero();
        assertThat(out).startsWith("NAME  READY  AGE  MESSAGE\n");
        job(Kinds.VDISK, "root", Map.of("progress", "42%"));
        assertThat(vireo("get", "vdisks")).isZero();
        assertThat(out)
                .matches("NAME  PROGRESS  READY  AGE  MESSAGE\nroot  42% +yes +[0-9]+s +-\n");
        assertThat(vireo("get", "net", "-o", "wide")).isZero();
        assertThat(out).startsWith("NAME  SPEC      PROGRESS  READY");
    }

    @Test
    void describes() {
        applyAll();
        assertThat(vireo("describe", "vnic", "web1.eth0")).isZero();
        assertThat(out)
                .startsWith("Vnic web1.eth0\n")
                .contains("network: lan")
                .contains("Connected  False")
                .contains("uses_total  42")
                .contains("/run/vireo/web1/eth0.sock");
    }

    @Test
    void deletesByNameAndByFile() {
        applyAll();
        assertThat(vireo("delete", "vdisk", "root")).isEqualTo(5);
        assertThat(err)
                .isEqualTo(
                        "vireo: Vdisk/root is used by ServerProfile/web1; change or delete that first\n");

        assertThat(vireo("delete", "profile", "web1")).as(err).isZero();
        assertThat(out).isEqualTo("ServerProfile/web1 deleted\n");
        assertThat(vireo("apply", "-f", directory.resolve("all.yaml").toString(), "--wait"))
                .isZero();
        assertThat(vireo("delete", "-f", directory.resolve("all.yaml").toString()))
                .as(err)
                .isZero();
        assertThat(control.all()).isEmpty();
    }

    @Test
    void hasInitiatorsLogOut() {
        String target =
                """
                apiVersion: vireo/v1
                kind: Vhba
                metadata: {name: db1}
                spec: {}
                ---
                apiVersion: vireo/v1
                kind: IscsiPortal
                metadata: {name: san-a}
                spec: {address: 127.0.0.1}
                ---
                apiVersion: vireo/v1
                kind: IscsiTarget
                metadata: {name: db1}
                spec: {vhba: db1, portals: [san-a], initiators: ["*"]}
                """;
        assertThat(vireo("apply", "-f", file("target.yaml", target), "--wait")).as(err).isZero();
        assertThat(vireo("logout", "db1")).isEqualTo(2);
        assertThat(err).contains("say which sessions: --session, --initiator, --portal, or --all");
        assertThat(vireo("logout", "db1", "--all", "--portal", "san-a")).isEqualTo(2);
        assertThat(vireo("logout", "db7", "--all")).isEqualTo(4);
        assertThat(vireo("logout", "db1", "--session", "4")).isEqualTo(4);
        assertThat(err).isEqualTo("vireo: it has no session4\n");
        job("IscsiTarget", "db1", Map.of("session3", "iqn.a", "session4", "iqn.b, it stays"));
        assertThat(vireo("logout", "db1", "--session", "3", "--timeout", "60")).as(err).isZero();
        assertThat(out).isEqualTo("session3 of IscsiTarget/db1: is over\n");
        assertThat(vireo("logout", "db1", "--initiator", "iqn.b", "--no-wait")).as(err).isZero();
        assertThat(out).isEqualTo("session4 of IscsiTarget/db1: asked to log out\n");
        assertThat(world.journal())
                .contains(
                        "logout{session=3, timeout=60} IscsiTarget/db1",
                        "logout{initiator=iqn.b, timeout=10} IscsiTarget/db1");
        assertThat(vireo("logout", "db1", "--all", "--timeout", "-9")).isEqualTo(6);
        assertThat(err).contains("session4 is still there: iqn.b, it stays");
        // Deleted while the command waits.
        Thread.startVirtualThread(() -> {
            Manifests.await(
                    () -> world.journal().contains("logout{timeout=60} IscsiTarget/db1"),
                    () -> "nobody was asked to log out");
            control.delete(List.of(new Reference("IscsiTarget", "db1")));
        });
        assertThat(vireo("logout", "db1", "--all", "--timeout", "60")).as(err).isZero();
        assertThat(out).isEqualTo("session4 of IscsiTarget/db1: is over\n");
    }

    @Test
    void showsEvents() {
        applyAll();
        assertThat(vireo("events")).isZero();
        assertThat(out)
                .contains("ADDED     Network/lan  Created")
                .contains("STATUS    Vnic/web1.eth0  Realized");
        assertThat(vireo("events", "--kind", "net")).isZero();
        assertThat(out).contains("Network/lan").doesNotContain("Vdisk");
        assertThat(vireo("events", "--name", "lan of mine")).as(err).isZero();
        assertThat(out).isEmpty();
    }

    @Test
    void failsInOneSentenceWithACode() {
        assertThat(vireo("get", "nothings")).isEqualTo(4);
        assertThat(err).startsWith("vireo: there is no kind 'nothings'; known are acls");
        assertThat(vireo("get", "network", "none")).isEqualTo(4);
        assertThat(vireo("apply", "-f", "/nowhere.yaml")).isEqualTo(2);
        assertThat(err).isEqualTo("vireo: cannot read /nowhere.yaml: it does not exist\n");
        assertThat(vireo("apply", "-f", file("bad.yaml", "kind: [\n"))).isEqualTo(2);
        assertThat(err).contains("bad.yaml").contains("line");
        assertThat(
                        vireo(
                                "apply",
                                "-f",
                                file(
                                        "wrong.yaml",
                                        ALL.replace("10Gi", "lots").replace("lan}", "LAN}"))))
                .isEqualTo(1);
        assertThat(err.lines())
                .hasSizeGreaterThan(2)
                .anyMatch(line ->
                        line.startsWith(
                                "  "
                                        + directory.resolve("wrong.yaml")
                                        + ": Vdisk/root: /spec/size: "));
        assertThat(bare("get", "net", "--socket", directory.resolve("none.sock").toString()))
                .isEqualTo(3);
        assertThat(err).contains("cannot reach the daemon").contains("vireo serve");
        assertThat(bare("frobnicate")).isEqualTo(2);
        assertThat(bare("apply")).isEqualTo(2);
    }

    @Test
    void whatIsWrongIsToldByFileAndName() throws IOException {
        String lonely = ALL.substring(ALL.lastIndexOf("---\n") + 4);
        String other = file("10-other.yaml", "apiVersion: vireo/v1\nkind: Network\n");
        assertThat(vireo("apply", "-f", other)).isEqualTo(1);
        assertThat(err)
                .isEqualTo(
                        "vireo: "
                                + other
                                + ": Network/?: /metadata: must be an object with a name\n");
        String disk = file("20-disk.yaml", lonely);
        assertThat(vireo("apply", "-f", disk)).isEqualTo(1);
        assertThat(err)
                .startsWith("vireo: " + disk + ": Vdisk/root: /spec: refers to Pool/ssd, which");
        assertThat(vireo("plan", "-f", disk)).isEqualTo(1);
        assertThat(err).startsWith("vireo: " + disk + ": Vdisk/root: /spec: refers to Pool/ssd");
    }

    @Test
    void aResourceIsCalledAsItIsPrinted() throws IOException {
        assertThat(vireo("apply", "-f", file("all.yaml", ALL))).isZero();
        assertThat(vireo("get", "networks", "-o", "name")).isZero();
        String printed = out.strip();
        assertThat(printed).isEqualTo("Network/lan");
        assertThat(vireo("get", printed)).isZero();
        assertThat(out).contains("NAME ", "lan ");
        assertThat(vireo("describe", "networks/lan")).isZero();
        assertThat(out).startsWith("Network lan\n");
        assertThat(vireo("describe", "networks")).isEqualTo(2);
        assertThat(err)
                .isEqualTo(
                        "vireo: say which: 'vireo describe networks NAME'; 'vireo get networks' lists them\n");
        assertThat(vireo("delete", "profiles/web1", printed)).isZero();
        assertThat(out).isEqualTo("ServerProfile/web1 deleted\nNetwork/lan deleted\n");
    }

    @Test
    void thereIsHelp() {
        assertThat(bare("help", "apply")).isZero();
        assertThat(out).startsWith("Usage: vireo apply ");
        assertThat(bare("completion", "--help")).isZero();
        assertThat(out).startsWith("Usage: vireo completion ");
    }

    @Test
    void speaksTcpWithTheToken() {
        String url = "http://127.0.0.1:" + server.port().orElseThrow();
        String token = directory.resolve("token").toString();

        assertThat(bare("version", "--server", url, "--token-file", token)).isZero();
        assertThat(out).contains("daemon test\n");
        assertThat(bare("get", "all", "--server", url, "--token-file", file("wrong", "wrong")))
                .isEqualTo(1);
        assertThat(bare("get", "all", "--server", url, "--token-file", "/nowhere")).isEqualTo(2);
        assertThat(bare("get", "all", "--server", "ftp://x", "--token-file", token)).isEqualTo(2);
    }

    @Test
    void helpListsAllAndCompletionCompletesAll() throws Exception {
        assertThat(bare("--help")).isZero();
        String help = out;
        List<String> commands =
                List.of(
                        "apply",
                        "plan",
                        "get",
                        "describe",
                        "delete",
                        "events",
                        "attach",
                        "serve",
                        "doctor",
                        "completion");
        assertThat(commands)
                .allMatch(command ->
                        Pattern.compile("^  " + command + " ", Pattern.MULTILINE)
                                .matcher(help)
                                .find());
        assertThat(help).contains("Exit codes:");

        assertThat(bare("completion")).isZero();
        assertThat(commands).allMatch(command -> out.contains(command));
        assertThat(out).contains("cloud-hypervisor");
        Process bash =
                new ProcessBuilder("bash", "-n", file("completion", out))
                        .redirectErrorStream(true)
                        .start();
        assertThat(new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isEmpty();
        assertThat(bash.waitFor()).isZero();
    }

    /** Every YAML example of the documentation is accepted, in the order of the page. */
    @Test
    void theExamplesOfTheDocumentationWork() throws IOException {
        Matcher examples =
                Pattern.compile("```yaml\n(.*?)```", Pattern.DOTALL)
                        .matcher(Files.readString(Path.of("../docs/resources.md")));
        int count = 0;
        while (examples.find()) {
            count++;
            assertThat(vireo("apply", "-f", file("example.yaml", examples.group(1)), "--wait"))
                    .as(examples.group(1) + err)
                    .isZero();
        }
        assertThat(count).isGreaterThanOrEqualTo(6);
        assertThat(control.ready()).isTrue();
    }

    /** What an operator copies from any page is of the version that the daemon takes. */
    @Test
    void theDocumentationHasOneVersionOfTheInterface() throws IOException {
        try (Stream<Path> pages = Files.list(Path.of("../docs"))) {
            for (Path page : pages.filter(file -> file.toString().endsWith(".md")).toList()) {
                assertThat(Files.readString(page).lines().map(String::strip))
                        .as(page.toString())
                        .filteredOn(line -> line.startsWith("apiVersion:"))
                        .allMatch(line -> line.startsWith("apiVersion: vireo/v1"));
            }
        }
    }

    /** The daemon has no event of progress. */
    @Test
    void aWatchFollowsProgressUntilTheDaemonEnds() throws InterruptedException {
        applyAll();
        var root = world.running(new Reference(Kinds.VDISK, "root"));
        root.say(Map.of("progress", "1%"));
        var written = new StringWriter();
        var watching =
                Thread.ofPlatform()
                        .start(() ->
                                VireoCli.run(
                                        new PrintWriter(written),
                                        new PrintWriter(new StringWriter()),
                                        "get",
                                        "vdisk",
                                        "root",
                                        "-w",
                                        "-o",
                                        "yaml",
                                        "--socket",
                                        directory.resolve("api.sock").toString()));
        for (String progress : List.of("1%", "42%", "99%")) {
            root.say(Map.of("progress", progress));
            await(() -> shows(written, progress), () -> "it does not show " + progress);
        }
        server.close();
        watching.join();
        assertThat(written.toString().lines().filter(each -> each.contains("progress:")))
                .hasSize(3);
    }

    private static boolean shows(StringWriter written, String progress) {
        return written.toString().contains("progress: \"" + progress)
                || written.toString().contains("progress: " + progress);
    }

    @Test
    void capturesToAFileAndTellsWhatWasLost() throws IOException {
        applyAll();
        Path target = directory.resolve("web1.pcapng");
        assertThat(
                        vireo(
                                "capture",
                                "vnic/web1.eth0",
                                "-w",
                                target.toString(),
                                "--filter",
                                "vlan 3 & +"))
                .as(err)
                .isZero();
        assertThat(err)
                .isEqualTo(
                        "capturing web1.eth0 to %s; end it with Ctrl-C\n".formatted(target)
                                + "2 frames captured, 3 lost because they came too fast\n");
        byte[] file = Files.readAllBytes(target);
        assertThat(
                        vireo(
                                "capture",
                                "web1.eth0",
                                "-w",
                                target.toString(),
                                "--filter",
                                "x",
                                "-c",
                                "7"))
                .isZero();
        assertThat(err).contains("; end it with Ctrl-C, or after 7 frames\n");
        byte[] frame = FakeRealization.block(6, "vlan 3 & +".getBytes(StandardCharsets.UTF_8));
        assertThat(Arrays.copyOfRange(file, 28, 28 + frame.length)).isEqualTo(frame);
        assertThat(file).hasSize(28 + 2 * frame.length + 40);
    }

    @Test
    void aCaptureOfNothingIsRefused() {
        applyAll();
        assertThat(vireo("capture", "web1.eth7", "-w", directory.resolve("no").toString()))
                .isEqualTo(4);
        assertThat(directory.resolve("no")).doesNotExist();
        assertThat(vireo("capture", "web1.eth0", "-s", "64", "-w", "/dev/null")).isEqualTo(1);
        assertThat(err).contains("no query parameter 'snaplen'");
        assertThat(vireo("capture", "web1.eth0", "-w", "/nowhere/x")).isEqualTo(1);
        assertThat(err).contains("cannot write /nowhere/x: it does not exist");
    }
}
