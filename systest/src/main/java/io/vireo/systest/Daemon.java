package io.vireo.systest;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Vireo as it is shipped: its program is run as a daemon and as the command line that drives it.
 */
public final class Daemon implements Host {
    private static final JsonMapper JSON = JsonMapper.builder().build();
    private static final Duration START = Duration.ofSeconds(180);
    private static final Duration STOP = Duration.ofSeconds(30);
    private static final Pattern RECOVERED =
            Pattern.compile("^vireo_\\w*inflight_recovered_total\\b.* ([0-9.eE+]+)$");

    private static final Pattern IN_FLIGHT =
            Pattern.compile("^vireo_\\w*requests_in_flight\\b.* ([0-9.eE+]+)$");

    private static final int LOOKS = 2000;

    private final Bed bed;
    private final Path runtime;
    private @Nullable Process process;

    /** Describes a daemon whose runtime, state and log are in the bed's folder. */
    public Daemon(Bed bed) {
        this.bed = bed;
        this.runtime = bed.run().resolve("runtime");
    }

    private Path program() {
        return bed.repository().resolve("server/target/vireo/bin/vireo");
    }

    /** The socket of its API. */
    public Path apiSocket() {
        return runtime.resolve("api.sock");
    }

    /** What it logs. */
    public Path log() {
        return bed.run().resolve("daemon.log");
    }

    /** Starts it and returns when its API answers. */
    public void start() {
        launch();
        awaitReady(running());
    }

    private void launch() {
        try {
            Process started =
                    builder(
                                    "serve",
                                    "--runtime-dir",
                                    runtime.toString(),
                                    "--state-dir",
                                    bed.run().resolve("state").toString(),
                                    "--listen",
                                    "127.0.0.1:0")
                            .redirectErrorStream(true)
                            .redirectOutput(ProcessBuilder.Redirect.appendTo(log().toFile()))
                            .start();
            process = started;
            Files.writeString(bed.run().resolve("daemon.pid"), started.pid() + "\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private ProcessBuilder builder(String... arguments) {
        var words = new ArrayList<String>(List.of(program().toString()));
        words.addAll(List.of(arguments));
        var builder = new ProcessBuilder(words).directory(bed.repository().toFile());
        builder.environment().put("VIREO_SOCKET", apiSocket().toString());
        return builder;
    }

    private void awaitReady(Process started) {
        long deadline = System.nanoTime() + START.toNanos();
        while (!UnixHttp.answers(apiSocket(), "/metrics")) {
            if (!started.isAlive()) {
                throw new ScenarioException("the daemon ended at its start: see " + log());
            }
            if (System.nanoTime() > deadline) {
                throw new ScenarioException("the daemon does not answer: see " + log());
            }
            Processes.pause(50);
        }
    }

    /**
     * Runs a command of the program and returns what it printed.
     *
     * @throws ScenarioException with its message if it fails
     */
    public String vireo(String... arguments) {
        try {
            Path errors = Files.createTempFile(bed.run(), "vireo", ".err");
            Process command = builder(arguments).redirectError(errors.toFile()).start();
            command.getOutputStream().close();
            var output =
                    new String(command.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!Processes.ended(command, START) || command.exitValue() != 0) {
                throw new ScenarioException(
                        "vireo %s failed: %s%s"
                                .formatted(
                                        String.join(" ", arguments),
                                        output,
                                        Files.readString(errors)));
            }
            Files.delete(errors);
            return output;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** Applies a file or folder of resources and returns when they are ready as they are now. */
    public void apply(Path resources) {
        vireo(
                "apply",
                "-f",
                resources.toAbsolutePath().toString(),
                "--wait",
                Long.toString(START.toSeconds()));
    }

    @Override
    public List<String> attach(String profile, int memoryMib) {
        List<String> words = shellWords(attachAs("qemu", profile, memoryMib));
        return words.getFirst().startsWith("-") ? words : words.subList(1, words.size());
    }

    /** The elements with which libvirt takes the devices of a profile. */
    public String attachLibvirt(String profile, int memoryMib) {
        return attachAs("libvirt", profile, memoryMib);
    }

    private String attachAs(String hypervisor, String profile, int memoryMib) {
        var arguments = new ArrayList<String>(List.of("attach", profile, "--as", hypervisor));
        arguments.addAll(List.of("--memory", memoryMib + "M"));
        if (!bed.emulator().kvm()) {
            arguments.add("--tcg");
        }
        return vireo(arguments.toArray(String[]::new));
    }

    /** Has a shell split what is meant to be pasted into one. */
    private static List<String> shellWords(String text) {
        try {
            String line = text.strip().replaceAll("\\\\?\n", " ");
            String script = "printf '%s\\n' " + line;
            Process shell = new ProcessBuilder("sh", "-c", script).start();
            var words = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return words.lines().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Identity identity(String profile) {
        JsonNode disk = derived("vdiskattachment", profile + ".disk0");
        return new Identity(mac(profile + ".eth0"), disk.path("serial").asString(""));
    }

    /** MAC address of a card, named as {@code profile.card}. */
    public String mac(String vnic) {
        return derived("vnic", vnic).path("mac").asString("");
    }

    private JsonNode derived(String kind, String name) {
        return JSON.readTree(vireo("get", kind, name, "-o", "json")).path("spec");
    }

    @Override
    public void restart() {
        stop();
        start();
    }

    /** Stops it by SIGTERM; it has to end well. */
    public void stop() {
        Process running = running();
        running.destroy();
        if (!Processes.ended(running, STOP)) {
            throw new ScenarioException(
                    "the daemon did not end within %d s of SIGTERM: see %s"
                            .formatted(STOP.toSeconds(), log()));
        }
        if (running.exitValue() != 0) {
            throw new ScenarioException(
                    "the daemon ended with status %d after SIGTERM: see %s"
                            .formatted(running.exitValue(), log()));
        }
    }

    @Override
    public void crash() {
        Process victim = running();
        // At a moment when the guests wait for their disks, if there is one.
        for (int i = 0; i < LOOKS && sum(IN_FLIGHT) == 0; i++) {
            Thread.onSpinWait();
        }
        Processes.kill(victim);
        start();
    }

    @Override
    public void crashWhileStarting(Duration age) {
        Processes.kill(running());
        launch();
        Processes.pause(age.toMillis());
        Processes.kill(running());
        start();
    }

    /** Number of its process. */
    long pid() {
        return running().pid();
    }

    private Process running() {
        Process running = process;
        if (running == null || !running.isAlive()) {
            throw new ScenarioException("the daemon is not running: see " + log());
        }
        return running;
    }

    @Override
    public OptionalLong recoveredRequests() {
        return OptionalLong.of(sum(RECOVERED));
    }

    private long sum(Pattern metric) {
        return (long)
                UnixHttp.get(apiSocket(), "/metrics")
                        .lines()
                        .map(metric::matcher)
                        .filter(Matcher::matches)
                        .mapToDouble(line -> Double.parseDouble(line.group(1)))
                        .sum();
    }

    @Override
    public void close() {
        Process running = process;
        if (running != null && !Processes.end(running, STOP)) {
            System.err.printf("the daemon had to be killed %d s after SIGTERM%n", STOP.toSeconds());
        }
        process = null;
    }
}
