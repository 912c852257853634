package io.vireo.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;

/**
 * Our daemon as it is shipped: its launcher, its flags, its default configuration but for
 * directories and cores.
 */
final class VireoDaemon implements AutoCloseable {
    private static final double PATIENCE_SECONDS = 60;
    private static final Pattern READY = Pattern.compile(" is ready");

    private final Path vireo;
    private final Path directory;
    private final MeasuredProcess process;

    private VireoDaemon(Path root, Path directory, List<String> options) {
        this.vireo = root.resolve("server/target/vireo/bin/vireo");
        this.directory = directory;
        try {
            Files.createDirectories(directory);
        } catch (IOException e) {
            throw new BenchException("Cannot make " + directory + ".", e);
        }
        var command = new ArrayList<>(List.of(vireo.toString(), "serve"));
        command.add("--runtime-dir=" + directory.resolve("run"));
        command.add("--state-dir=" + directory.resolve("state"));
        command.add("--listen=none");
        command.addAll(options);
        process = new MeasuredProcess("vireo", command, Map.of());
        try {
            process.await(READY, PATIENCE_SECONDS);
        } catch (BenchException e) {
            process.close();
            throw e;
        }
    }

    /** Starts the daemon that was built in {@code root}. */
    static VireoDaemon start(Path root, Path directory) {
        Progress.say("starting vireo");
        return new VireoDaemon(root, directory, List.of());
    }

    /** The same with one reactor for data, on {@code core}. */
    static VireoDaemon start(Path root, Path directory, int core, String... options) {
        Progress.say("starting vireo with its data reactor on core " + core);
        var all = new ArrayList<>(List.of("--reactor-cpus=" + core));
        all.addAll(List.of(options));
        return new VireoDaemon(root, directory, all);
    }

    MeasuredProcess process() {
        return process;
    }

    /** Applies declarations and waits until their sockets are there. Returns these. */
    List<Path> define(Resources resources) {
        var file = directory.resolve("resources.yaml");
        try {
            Files.writeString(file, resources.yaml());
            client("apply", "-f", file.toString());
        } catch (IOException e) {
            throw new BenchException("Cannot write " + file + ".", e);
        }
        resources.sockets().forEach(socket -> awaitSocket(socket, process));
        process.favour();
        return resources.sockets();
    }

    /** Deletes a declaration. */
    void delete(String kind, String name) {
        try {
            client("delete", kind, name);
        } catch (IOException e) {
            throw new BenchException("Cannot run " + vireo + ".", e);
        }
    }

    private void client(String... arguments) throws IOException {
        var command = new ArrayList<>(List.of(vireo.toString()));
        command.addAll(List.of(arguments));
        var builder = new ProcessBuilder(command).inheritIO();
        builder.environment().put("VIREO_SOCKET", directory.resolve("run/api.sock").toString());
        try {
            var client = builder.start();
            if (!client.waitFor((long) PATIENCE_SECONDS, TimeUnit.SECONDS)
                    || client.exitValue() != 0) {
                client.destroyForcibly();
                throw new BenchException(
                        "vireo " + arguments[0] + " failed. The daemon says: " + process.tail());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("The benchmark was interrupted.", e);
        }
    }

    /** Waits for a socket that {@code process} is to make. */
    static void awaitSocket(Path socket, MeasuredProcess process) {
        for (var waited = 0.0; !Files.exists(socket); waited += 0.05) {
            if (!process.alive() || waited > PATIENCE_SECONDS) {
                throw new BenchException(
                        socket + " does not appear. Its process says: " + process.tail());
            }
            Progress.sleep(0.05);
        }
    }

    /**
     * What the data reactors and the vNICs have done since the daemon began.
     *
     * @param busySeconds of the reactors
     * @param frames that guests sent
     */
    record Load(double busySeconds, double frames) {
        /** Nanoseconds of a reactor for each frame between this and a later load. */
        double nanosPerFrameUntil(Load later) {
            return (later.busySeconds - busySeconds) * 1e9 / (later.frames - frames);
        }
    }

    /** Reads the daemon's metrics. */
    Load load() {
        var lines = metrics().lines().toList();
        return new Load(
                sum(lines, "vireo_reactor_busy_seconds_total{reactor=\"data"),
                sum(lines, "vireo_vnic_tx_frames_total{"));
    }

    private static double sum(List<String> lines, String prefix) {
        var values =
                lines.stream()
                        .filter(line -> line.startsWith(prefix))
                        .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                        .toList();
        if (values.isEmpty()) {
            throw new BenchException("Vireo has no metric " + prefix + ".");
        }
        return values.stream().mapToDouble(Double::parseDouble).sum();
    }

    private String metrics() {
        return api().get("/metrics");
    }

    /** Its REST interface. */
    Api api() {
        return new Api(directory.resolve("run/api.sock"));
    }

    @Override
    public void close() {
        process.close();
    }
}
