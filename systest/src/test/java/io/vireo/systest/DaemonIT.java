package io.vireo.systest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** How the daemon starts, and what it says when it cannot. */
@Timeout(180)
class DaemonIT {
    private static final String LAN =
            """
            apiVersion: vireo/v1
            kind: Network
            metadata: {name: lan}
            spec: {}
            """;

    @TempDir Path directory;

    private Bed bed;

    @BeforeEach
    void makeBed() {
        Path repository = Path.of("..").toAbsolutePath().normalize();
        bed = new Bed(repository, directory, new Bed.Emulator("", false));
    }

    /** A start that fails. */
    private record Refusal(int exitCode, List<String> lines) {
        /** What it said at the end, after everything that the log has of its beginning. */
        String message() {
            return lines.getLast();
        }
    }

    private Refusal refused(String... options) {
        var words = new ArrayList<String>(List.of(program(), "serve"));
        words.addAll(List.of(options));
        Refusal refusal = run(words);
        assertThat(refusal.lines()).noneMatch(line -> line.contains("stopped"));
        return refusal;
    }

    private String program() {
        return bed.repository().resolve("server/target/vireo/bin/vireo").toString();
    }

    private static Refusal run(List<String> words) {
        try {
            Process process = new ProcessBuilder(words).redirectErrorStream(true).start();
            process.getOutputStream().close();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            assertThat(output).doesNotContain("Exception").doesNotContain("\tat ");
            return new Refusal(process.onExit().join().exitValue(), output.lines().toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private String path(String name) {
        return directory.resolve(name).toString();
    }

    private Path lan() throws IOException {
        return Files.writeString(directory.resolve("lan.yaml"), LAN);
    }

    private List<String> libraries() throws IOException {
        try (Stream<Path> files = Files.list(directory.resolve("state"))) {
            return files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith("libsqlitejdbc.so"))
                    .toList();
        }
    }

    @Test
    void aSecondDaemonTouchesNothingOfTheFirst() throws IOException {
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(lan());
            Refusal sameState =
                    refused(
                            "--state-dir",
                            path("state"),
                            "--runtime-dir",
                            path("other"),
                            "--listen=none");
            assertThat(sameState.exitCode()).isEqualTo(1);
            assertThat(sameState.message())
                    .isEqualTo(
                            "vireo: another daemon has the state directory "
                                    + path("state")
                                    + ": stop it, or give another with --state-dir");
            Refusal sameRuntime =
                    refused(
                            "--state-dir",
                            path("other"),
                            "--runtime-dir",
                            path("runtime"),
                            "--listen=none");
            assertThat(sameRuntime.message())
                    .startsWith("vireo: another daemon has the runtime directory ");
            assertThat(List.of(sameState, sameRuntime))
                    .allSatisfy(refusal ->
                            assertThat(String.join("\n", refusal.lines()))
                                    .doesNotContain("the store holds")
                                    .doesNotContain("started"));
            assertThat(daemon.vireo("get", "networks")).contains("lan");
        }
    }

    @Test
    void aDaemonThatWasKilledIsStartedAgainAndLeavesNoLibrariesBehind() throws IOException {
        try (var daemon = new Daemon(bed)) {
            daemon.start();
            daemon.apply(lan());
            Files.createFile(Path.of(path("state")).resolve("sqlite-1-libsqlitejdbc.so"));
            daemon.crashWhileStarting(Duration.ofMillis(1));
            assertThat(libraries()).as("of one that was killed before it had loaded it").isEmpty();
            assertThat(daemon.vireo("get", "networks")).contains("lan");
        }
        assertThat(libraries()).isEmpty();
    }

    /** The state directory is a file system of its own, in a mount namespace. */
    @ParameterizedTest
    @ValueSource(strings = {"size=512k", "size=16m,noexec"})
    void aStateDirectoryThatIsOfNoUseIsTold(String options) throws IOException {
        Path state = Files.createDirectory(directory.resolve("mounted"));
        String script =
                "mount -t tmpfs -o %s tmpfs %s && exec %s serve --state-dir %s --runtime-dir %s"
                        .formatted(options, state, program(), state, path("run"));
        assertThat(run(List.of("unshare", "--mount", "sh", "-c", script)).message())
                .isEqualTo(
                        "vireo: SQLite's library cannot be unpacked into "
                                + state
                                + " and loaded: make 2 MiB of room there, and mount it without noexec");
    }

    /** Those that the launcher gives to the daemon's side, too. */
    @Test
    void everyCommandIsExplained() {
        assertThat(help("serve")).contains("--runtime-dir=DIR");
        assertThat(help("doctor")).contains("Checks this host");
        assertThat(help("pool", "check")).contains("All disks of the pool");
        assertThat(help("pool", "import")).contains("--key-secret");
        assertThat(help("apply")).contains("--wait");
        assertThat(help()).contains("Exit codes:");
        assertThat(run(List.of(program(), "help", "frobnicate")).exitCode()).isEqualTo(2);
    }

    private String help(String... command) {
        var words = new ArrayList<String>(List.of(program(), "help"));
        words.addAll(List.of(command));
        Refusal answer = run(words);
        assertThat(answer.exitCode()).as("%s", words).isZero();
        return String.join("\n", answer.lines());
    }

    @Test
    void whatIsNoPoolIsSaidNotToBeOne() throws IOException {
        Files.write(directory.resolve("disk"), new byte[1 << 20]);
        Refusal answer = run(List.of(program(), "pool", "check", path("disk")));
        assertThat(answer.exitCode()).isEqualTo(1);
        assertThat(answer.lines())
                .endsWith("No pool could be read: are these all disks of one pool, and no others?");
    }

    @Test
    void whatCannotBeHadIsToldInASentence() throws IOException {
        Files.createFile(directory.resolve("file"));
        assertThat(refused("--state-dir", path("file"), "--runtime-dir", path("run")).message())
                .isEqualTo(
                        "vireo: "
                                + path("file")
                                + " is no directory: give another with --state-dir");
        try (var taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            String address = "127.0.0.1:" + taken.getLocalPort();
            assertThat(
                            refused(
                                            "--state-dir",
                                            path("state"),
                                            "--runtime-dir",
                                            path("run"),
                                            "--listen",
                                            address)
                                    .message())
                    .isEqualTo(
                            "vireo: cannot listen at "
                                    + address
                                    + " (Address already in use): stop what does, or choose another port");
        }
        String deep = path("x".repeat(100));
        assertThat(refused("--state-dir", path("state"), "--runtime-dir", deep).message())
                .startsWith("vireo: a socket cannot be at " + deep + "/api.sock, whose path has ")
                .endsWith(" bytes, 107 at most: choose a shorter runtime directory");
        Refusal mistyped = refused("--stat-dir", path("state"));
        assertThat(mistyped.exitCode()).isEqualTo(2);
        assertThat(mistyped.lines())
                .containsExactly(
                        "vireo: Unknown options: '--stat-dir', '" + path("state") + "'",
                        "Try 'vireo serve --help'.");
    }
}
