package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.systest.Conformance.Outcome;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.json.JsonMapper;

/** Initiators that others wrote, against the daemon as it is shipped, on loopback. */
class IscsiIT {
    private static final String TARGET = "iqn.2026-11.io.vireo:hba";
    private static final String GUARDED = "iqn.2026-11.io.vireo:guarded";
    private static final String TOOLS = "iqn.2026-11.io.vireo:tools";
    private static final String SLOW = "iqn.2026-11.io.vireo:slow";
    private static final String MOVED = "iqn.2026-11.io.vireo:moved";
    private static final Pattern LISTED = Pattern.compile("Target:(\\S+) Portal:(\\S+)");
    private static final String SECRET = "a-secret-of-tools";
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    /** A small unit that can be ejected. */
    private static final int REMOVABLE = 2;

    /** A unit whose logical blocks are as large as its physical ones. */
    private static final int LARGE_BLOCKS = 3;

    /**
     * A test that sleeps for a minute. Its target is its own, and so is the unit of that, whose
     * SANITIZE takes so long that the test can look at it meanwhile.
     */
    private static final String SLEEPER = "ALL.Sanitize.Reset";

    /** What does not pass; docs/iscsi.md has the reason of each. */
    private static final Map<String, Outcome> EXCEPTIONS = exceptions();

    private static Bed bed;
    private static Daemon daemon;
    private static String portal;
    private static String other;

    private static Map<String, Outcome> exceptions() {
        var exceptions = new TreeMap<String, Outcome>();
        // The suite's own mistakes.
        exceptions.put("ALL.ReportSupportedOpcodes.OneCommand", Outcome.FAILED);
        exceptions.put("ALL.WriteSame10.UnmapUntilEnd", Outcome.FAILED);
        exceptions.put("ALL.iSCSITMF.LUNResetSimpleAsync", Outcome.FAILED);
        exceptions.put("ALL.StartStopUnit.NoLoej", Outcome.FAILED);
        exceptions.put("ALL.StartStopUnit.PwrCnd", Outcome.FAILED);
        // Limits that the Block Limits VPD page tells.
        exceptions.put("ALL.WriteAtomic16.Simple", Outcome.FAILED);
        // CRYPTOGRAPHIC ERASE is not there.
        exceptions.put("ALL.Sanitize.CryptoErase", Outcome.SKIPPED);
        exceptions.put("ALL.Sanitize.Readonly", Outcome.SKIPPED);
        exceptions.put("ALL.Sanitize.Reservations", Outcome.SKIPPED);
        return exceptions;
    }

    @BeforeAll
    static void start() throws IOException {
        bed = Bed.prepare(Path.of(".."), "iscsi");
        Path secrets = Files.createDirectories(bed.run().resolve("state/secrets"));
        Path secret = Files.writeString(secrets.resolve("tools"), SECRET + "\n");
        Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("rw-------"));
        daemon = new Daemon(bed);
        daemon.start();
        String text = Files.readString(Path.of("src/test/resources/iscsi.yaml"));
        Path file = bed.run().resolve("iscsi.yaml");
        Files.writeString(file, text.replace("POOL", bed.run().resolve("pool").toString()));
        daemon.apply(file);
        portal = address("san");
        other = address("other");
        moveTo(other);
    }

    /** Has whoever logs in to one target be sent elsewhere. */
    private static void moveTo(String elsewhere) throws IOException {
        String text = Files.readString(Path.of("src/test/resources/iscsi-moved.yaml"));
        Path file = bed.run().resolve("iscsi-moved.yaml");
        Files.writeString(file, text.replace("ELSEWHERE", elsewhere));
        daemon.apply(file);
    }

    private static String address(String name) {
        String json = daemon.vireo("get", "iscsiportal", name, "-o", "json");
        return JsonMapper.builder()
                .build()
                .readTree(json)
                .path("status")
                .path("attributes")
                .path("address")
                .asString("");
    }

    @AfterAll
    static void stop() {
        daemon.close();
    }

    private static String run(String... words) {
        return Conformance.run(List.of(words), Path.of("/dev/null"), PATIENCE);
    }

    private static String url(String address, String target) {
        return "iscsi://" + address + "/" + target + "/0";
    }

    @Test
    void discoveryFindsTheTargetByBothPortals() {
        String found = run("iscsi-ls", "-i", TOOLS, "iscsi://" + portal);
        assertThat(found)
                .contains("Target:" + TARGET)
                .contains(portal + ",1")
                .contains(other + ",2");
        assertThat(run("iscsi-ls", "-i", TOOLS, "iscsi://" + other)).contains(TARGET);
        // Each with the portals and groups that it is at, and no others.
        assertThat(targets(found))
                .containsEntry(TARGET, List.of(portal + ",1", other + ",2"))
                .containsEntry(GUARDED, List.of(portal + ",1"))
                .containsEntry(MOVED, List.of(portal + ",1"))
                .hasSize(3);
        assertThat(run("iscsi-ls", "-i", "iqn.2026-11.io.vireo:stranger", "iscsi://" + portal))
                .doesNotContain(TARGET);
        assertThat(run("iscsi-inq", "-i", TOOLS, url(portal, TARGET)))
                .contains("Peripheral Device Type:DIRECT_ACCESS");
    }

    /** Targets with their portals, as {@code iscsi-ls} prints them. */
    private static Map<String, List<String>> targets(String found) {
        var targets = new TreeMap<String, List<String>>();
        for (String line : found.lines().toList()) {
            var words = LISTED.matcher(line);
            if (words.matches()) {
                targets.computeIfAbsent(words.group(1), _ -> new ArrayList<>()).add(words.group(2));
            }
        }
        targets.values().forEach(portals -> portals.sort(null));
        return targets;
    }

    @Test
    void whoIsSentElsewhereGoesThere() throws IOException {
        // The same target at the other portal, of IPv6 and of another group, stays where it is.
        moveTo(other);
        assertThat(run("iscsi-inq", "-i", TOOLS, url(portal, MOVED)))
                .contains("Peripheral Device Type:DIRECT_ACCESS");
        assertThat(run("qemu-io", "-r", "-f", "raw", "-c", "read 0 4k", url(portal, MOVED)))
                .contains("read 4096/4096");
        assertThat(daemon.vireo("get", "iscsitarget", "moved-here", "-o", "yaml"))
                .contains("sessions: \"0\"");
        // One that is sent where nobody listens comes to an end, too.
        moveTo("127.0.0.1:1");
        assertThat(run("iscsi-inq", "-i", TOOLS, url(portal, MOVED)))
                .doesNotContain("Peripheral Device Type");
    }

    @Test
    void chapIsAskedFor() {
        assertThat(run("iscsi-inq", "-i", TOOLS, url("tools%" + SECRET + "@" + portal, GUARDED)))
                .contains("Peripheral Device Type:DIRECT_ACCESS");
        assertThat(run("iscsi-inq", "-i", TOOLS, url("tools%another-secret@" + portal, GUARDED)))
                .doesNotContain("Peripheral Device Type");
        assertThat(run("iscsi-inq", "-i", TOOLS, url(portal, GUARDED)))
                .doesNotContain("Peripheral Device Type");
        assertThat(daemon.vireo("get", "iscsitarget", "guarded", "-o", "yaml"))
                .doesNotContain(SECRET);
    }

    @Test
    @Timeout(120)
    void qemuWritesAndReads() throws IOException {
        Path image = bed.run().resolve("image");
        assertThat(run("qemu-io", "-f", "raw", "-c", "write -P 0x5a 0 1M", url(portal, TARGET)))
                .contains("wrote 1048576/1048576");
        assertThat(
                        run(
                                "qemu-io",
                                "-f",
                                "raw",
                                "-c",
                                "write -P 0xa5 4k 60k",
                                "-c",
                                "flush",
                                "-c",
                                "read -P 0x5a 0 4k",
                                "-c",
                                "read -P 0xa5 4k 60k",
                                "-c",
                                "read -P 0x5a 64k 960k",
                                "-c",
                                "discard 128k 128k",
                                url(other, TARGET)))
                .doesNotContain("failed")
                .contains("discard 131072/131072");
        run("qemu-img", "convert", "-f", "raw", "-O", "raw", url(portal, TARGET), image.toString());
        assertThat(run("qemu-img", "compare", "-f", "raw", image.toString(), url(other, TARGET)))
                .contains("identical");
    }

    @Test
    @Timeout(900)
    void theConformanceTestsPass() throws IOException {
        var tests = new ArrayList<>(Conformance.tests("ALL"));
        assertThat(tests).hasSizeGreaterThan(200);
        assertThat(tests.remove(SLEEPER)).isTrue();
        Path folder = Files.createDirectories(bed.run().resolve("conformance"));
        var conformance = new Conformance(folder, IscsiIT::urls);
        var sleeper = CompletableFuture.supplyAsync(() -> conformance.run(List.of(SLEEPER)));
        var findings = conformance.run(tests);
        findings.putAll(sleeper.join());
        assertThat(findings).as("see " + folder).isEqualTo(EXCEPTIONS);
    }

    /** The unit that a test is for: 0 unless it needs another one. */
    private static int lunOf(String test) {
        String family = test.substring(0, test.lastIndexOf('.'));
        return switch (family) {
            case "ALL.ReadOnly" -> 1;
            case "ALL.PreventAllow", "ALL.StartStopUnit", "ALL.NoMedia" -> REMOVABLE;
            default ->
                    switch (test) {
                        // It writes 32 MiB at once where there is as much.
                        case "ALL.WriteSame16.Unmap" -> REMOVABLE;
                        // It expects each block to be given back by itself.
                        case "ALL.GetLBAStatus.UnmapSingle" -> LARGE_BLOCKS;
                        default -> 0;
                    };
        };
    }

    private static List<String> urls(String test) {
        if (test.equals(SLEEPER)) {
            return List.of(url(portal, SLOW));
        }
        int lun = lunOf(test);
        if (lun != 0) {
            return List.of("iscsi://" + portal + "/" + TARGET + "/" + lun);
        }
        return test.startsWith("ALL.MultipathIO.")
                ? List.of(url(portal, TARGET), url(other, TARGET))
                : List.of(url(portal, TARGET));
    }
}
