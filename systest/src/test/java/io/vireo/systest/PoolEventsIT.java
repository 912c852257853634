package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an operator is told of pools without asking. */
class PoolEventsIT {
    private static final int MIB = 1 << 20;
    private static final int BLOCK = 4096;
    private static final Pattern EVENT =
            Pattern.compile(
                    "data: .*\"type\":\"STATUS\",.*\"reason\":\"(\\w+)\",\"message\":\"(.*)\"}");
    private static final String SMALL =
            """
            apiVersion: vireo/v1
            kind: Pool
            metadata: {name: small}
            spec:
              type: disks
              warnPercent: 25
              disks:
                holdSeconds: 1
                members:
                - {path: POOL/c, size: 64Mi}
            ---
            apiVersion: vireo/v1
            kind: Vdisk
            metadata: {name: big}
            spec: {pool: small, size: 96Mi, source: {file: big.raw, format: raw, rate: 4Mi}}
            """;
    private static final String SAFE =
            """
            apiVersion: vireo/v1
            kind: Pool
            metadata: {name: safe}
            spec:
              type: disks
              disks:
                copies: 2
                openDegraded: true
                SCRUB
                members:
                - {path: POOL/a, size: 128Mi}
                - {path: POOL/b, size: 128Mi}
            """;
    private static final String LEDGER =
            """
            ---
            apiVersion: vireo/v1
            kind: Vdisk
            metadata: {name: ledger}
            spec: {pool: safe, size: 8Mi, checksums: true, source: {file: ledger.raw, format: raw}}
            """;

    @TempDir Path directory;

    /** A place for a daemon without guests. */
    private Bed bed() throws IOException {
        Path repository = Path.of("..").toAbsolutePath().normalize();
        Files.createDirectories(directory.resolve("state/images"));
        Files.createDirectories(directory.resolve("disks"));
        return new Bed(repository, directory, new Bed.Emulator("", false));
    }

    private byte[] image(String name, int size) throws IOException {
        byte[] data = new byte[size];
        new Random(size).nextBytes(data);
        Files.write(directory.resolve("state/images").resolve(name), data);
        return data;
    }

    private Path declared(String resources) throws IOException {
        return Files.writeString(
                directory.resolve("resources.yaml"),
                resources.replace("POOL", disk("").toString()).replace("    SCRUB\n", ""));
    }

    private Path disk(String name) {
        return directory.resolve("disks").resolve(name);
    }

    /** What happened to a pool, one line each: reason and message. */
    private static List<String> events(Daemon daemon, String pool) {
        String path = "/v1/events?kind=Pool&name=" + pool + "&replay=true&until=now";
        return UnixHttp.get(daemon.apiSocket(), path)
                .lines()
                .map(EVENT::matcher)
                .filter(Matcher::matches)
                .map(event -> event.group(1) + ": " + event.group(2))
                .toList();
    }

    /** Waits for an event that was not there before. */
    private static String await(Daemon daemon, String pool, int before, String begin) {
        List<String> events = List.of();
        for (int look = 0; look < 900; look++) {
            events = events(daemon, pool);
            for (String event : events.subList(before, events.size())) {
                if (event.startsWith(begin)) {
                    return event;
                }
            }
            Processes.pause(100);
        }
        throw new AssertionError("no " + begin + " in " + events);
    }

    private static String await(Daemon daemon, String pool, String begin) {
        return await(daemon, pool, 0, begin);
    }

    @Test
    @Timeout(180)
    void aPoolThatBecomesFullSaysSoBeforeAndAfterwards() throws IOException {
        Bed bed = bed();
        image("big.raw", 64 * MIB);
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.vireo("apply", "-f", declared(SMALL).toString());
            assertThat(await(daemon, "small", "NearlyFull: "))
                    .contains("% of the pool are used. Most is in vDisk big");
            assertThat(await(daemon, "small", "Full: "))
                    .contains("writes that need room wait, and then fail. Most is in vDisk big");
            List<String> before = events(daemon, "small");
            assertThat(before.stream().map(event -> event.replaceAll(":.*", "")))
                    .containsSubsequence("NearlyFull", "Full");
            assertThat(daemon.vireo("get", "pools")).contains("The pool is full");
            daemon.vireo("delete", "vdisk", "big");
            await(daemon, "small", before.size(), "Free: There is room.");
            assertThat(daemon.vireo("events", "--kind", "pool", "--name", "small"))
                    .contains(
                            "  STATUS    Pool/small  NearlyFull  ", "  Pool/small  Free  There is");
        }
    }

    @Test
    @Timeout(180)
    void aDiskThatIsLostAndReturnsAndWhatAScrubFindsAreTold() throws IOException {
        Bed bed = bed();
        byte[] data = image("ledger.raw", 8 * MIB);
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.vireo("apply", "-f", declared(SAFE + LEDGER).toString(), "--wait");
        }
        Files.move(disk("b"), disk("away"));
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            assertThat(await(daemon, "safe", "Degraded: Not everything is kept on 2 disks"))
                    .contains(disk("b").toString());
            Files.move(disk("away"), disk("b"));
            await(daemon, "safe", "InSync: All 2 copies hold everything.");
            // One block is wrong on one disk, another one on both.
            damage(disk("a"), data, 5);
            damage(disk("a"), data, 700);
            damage(disk("b"), data, 700);
            int before = events(daemon, "safe").size();
            String scrubbed = SAFE.replace("SCRUB", "scrub: {request: now}") + LEDGER;
            daemon.vireo("apply", "-f", declared(scrubbed).toString());
            String found =
                    await(
                            daemon,
                            "safe",
                            before,
                            "DamageFound: 1 blocks were found damaged and 1 repaired");
            assertThat(found)
                    .contains("byte %d of volume ledger".formatted(5 * BLOCK))
                    .contains("byte %d of volume ledger".formatted(700 * BLOCK));
        }
    }

    /** Changes a bit of a block of a vDisk where it lies on a disk. */
    private static void damage(Path disk, byte[] data, int block) throws IOException {
        byte[] wanted = Arrays.copyOfRange(data, block * BLOCK, (block + 1) * BLOCK);
        byte[] found = new byte[BLOCK];
        try (var file = new RandomAccessFile(disk.toFile(), "rw")) {
            for (long at = 0; at < file.length(); at += BLOCK) {
                file.seek(at);
                file.readFully(found);
                if (Arrays.equals(found, wanted)) {
                    file.seek(at);
                    file.write(found[0] ^ 1);
                    file.getFD().sync();
                    return;
                }
            }
        }
        throw new AssertionError("block " + block + " is not on " + disk);
    }
}
