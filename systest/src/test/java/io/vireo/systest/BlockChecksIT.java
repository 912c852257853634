package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.FieldSource;

/**
 * What the block layer and the SCSI layer of a stock Debian guest ask of a unit, by virtio-scsi and
 * by open-iscsi: checks in the manner of blktests, each a script in {@code resources/blockchecks}.
 * What came of them is a table, {@code target/run/blockchecks/results.md}.
 */
@Timeout(600)
class BlockChecksIT {
    private static final Duration PATIENCE = Duration.ofSeconds(90);
    private static final String MEMORY = "512M";
    private static final int FAST = 1_000_000;

    /** How the guest reaches the unit. */
    enum Way {
        VIRTIO_SCSI("virtio_scsi"),
        OPEN_ISCSI("iscsi_tcp");

        /** What the kernel calls the driver. */
        private final String driver;

        Way(String driver) {
            this.driver = driver;
        }
    }

    /** Those that need nothing of the host. */
    static final List<String> CHECKS =
            List.of(
                    "notices",
                    "direct-io",
                    "transfer-limits",
                    "odd-blocks",
                    "discard",
                    "fallocate",
                    "write-cache",
                    "partitions",
                    "read-only",
                    "queue-depth",
                    "bad-commands",
                    "resets",
                    "offline",
                    "delete-rescan");

    /** What came of a check by each way. */
    private static final Map<String, Map<Way, String>> RESULTS = new LinkedHashMap<>();

    private static final Map<Way, Integer> MEBIBYTES =
            new EnumMap<>(Map.of(Way.VIRTIO_SCSI, 128, Way.OPEN_ISCSI, 128));

    private static Bed bed;
    private static San san;
    private static SanInitiator initiator;
    private static Guest guest;

    @BeforeAll
    @Timeout(600)
    static void start() throws IOException {
        bed = Bed.prepare(Path.of(".."), "blockchecks");
        san = new San(bed);
        san.start();
        apply(FAST);
        Path checks = bed.run().resolve("checks.tar");
        Conformance.run(
                List.of(
                        "tar",
                        "cf",
                        checks.toString(),
                        "-C",
                        "src/test/resources/blockchecks",
                        "."),
                Path.of("/dev/null"),
                PATIENCE);
        initiator = new SanInitiator(bed, "guest", options(checks));
        guest = initiator.guest();
        initiator.start("iqn.2026-11.io.vireo:guest");
        guest.output("systemctl stop multipathd.socket multipathd");
        guest.output("mkdir /checks && tar xf /dev/vdb -C /checks");
        initiator.logIn(San.TARGET, SanInitiator.portal(0, san.port(0)), 1);
    }

    private static List<String> options(Path checks) {
        var words = new ArrayList<String>();
        words.add("-object");
        words.add("memory-backend-memfd,id=memory,size=" + MEMORY + ",share=on");
        words.addAll(List.of("-machine", "memory-backend=memory"));
        Path socket = bed.run().resolve("runtime/vhba.ring.sock");
        words.addAll(List.of("-chardev", "socket,id=hba,path=" + socket));
        words.addAll(List.of("-device", "vhost-user-scsi-pci,chardev=hba,num_queues=1,vectors=0"));
        words.add("-drive");
        words.add("if=none,id=checks,format=raw,readonly=on,file=" + checks);
        words.addAll(List.of("-device", "virtio-blk-pci,drive=checks"));
        return words;
    }

    @AfterAll
    static void stop() throws IOException {
        initiator.close();
        san.close();
        Files.writeString(bed.run().resolve("results.md"), table());
    }

    private static void apply(int iops) throws IOException {
        san.daemon()
                .apply(
                        san.resources(
                                "blockchecks.yaml",
                                "IOPS",
                                Integer.toString(iops),
                                "RING_SIZE",
                                MEBIBYTES.get(Way.VIRTIO_SCSI) + "Mi",
                                "NET_SIZE",
                                MEBIBYTES.get(Way.OPEN_ISCSI) + "Mi"));
    }

    @ParameterizedTest
    @FieldSource("CHECKS")
    void byVirtioScsi(String check) {
        part(Way.VIRTIO_SCSI, check, "check");
    }

    @ParameterizedTest
    @FieldSource("CHECKS")
    void byOpenIscsi(String check) {
        part(Way.OPEN_ISCSI, check, "check");
    }

    @ParameterizedTest
    @EnumSource
    void theUnitGrowsUnderIo(Way way) throws IOException {
        part(way, "resize", "before");
        int larger = MEBIBYTES.getOrDefault(way, 0) + 64;
        MEBIBYTES.put(way, larger);
        apply(FAST);
        part(way, "resize", "after " + ((long) larger << 20));
    }

    @ParameterizedTest
    @EnumSource
    void whatIsLateIsRepeated(Way way) throws IOException {
        part(way, "timeouts", "before");
        apply(1);
        part(way, "timeouts", "slow");
        apply(FAST);
        part(way, "timeouts", "after");
    }

    private static void part(Way way, String check, String part) {
        Map<Way, String> row = RESULTS.computeIfAbsent(check, _ -> new EnumMap<>(Way.class));
        row.put(way, "failed: " + part);
        long begin = System.nanoTime();
        Guest.Result result =
                guest.run("bash /checks/run %s %s %s".formatted(way.driver, check, part), PATIENCE);
        if (result.status() != 0) {
            String log = guest.run("dmesg | tail -n 20", PATIENCE).output();
            assertThat(result.status()).as("%s: %s%n%s", check, result.output(), log).isZero();
        }
        long millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - begin);
        row.put(way, "passed, %d.%d s".formatted(millis / 1000, millis % 1000 / 100));
    }

    private static String table() {
        var text = new StringBuilder("| check | virtio-scsi | open-iscsi |\n|---|---|---|\n");
        RESULTS.forEach((check, row) -> {
            text.append("| ").append(check);
            for (Way way : Way.values()) {
                text.append(" | ").append(row.getOrDefault(way, "not run"));
            }
            text.append(" |\n");
        });
        return text.toString();
    }
}
