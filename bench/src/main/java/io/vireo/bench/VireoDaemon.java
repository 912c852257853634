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
    static VireoDaemon start(Path root, Path directory, int core) {
        Progress.say("starting vireo with its data reactor on core " + core);
        return new VireoDaemon(root, directory, List.of("--reactor-cpus=" + core));
    }

    MeasuredProcess process() {
        return process;
    }

    /** Applies declarations and waits until their sockets are there. Returns these. */
    List<Path> define(Resources resources) {
        var file = directory.resolve("resources.yaml");
        try {
            Files.writeString(file, resources.yaml());
            apply(file);
        } catch (IOException e) {
            throw new BenchException("Cannot write " + file + ".", e);
        }
        resources.sockets().forEach(this::awaitSocket);
        process.favour();
        return resources.sockets();
    }

    private void apply(Path file) throws IOException {
        var command = List.of(vireo.toString(), "apply", "-f", file.toString());
        var builder = new ProcessBuilder(command).inheritIO();
        builder.environment().put("VIREO_SOCKET", directory.resolve("run/api.sock").toString());
        try {
            var client = builder.start();
            if (!client.waitFor((long) PATIENCE_SECONDS, TimeUnit.SECONDS)
                    || client.exitValue() != 0) {
                client.destroyForcibly();
                throw new BenchException("vireo apply failed. The daemon says: " + process.tail());
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("The benchmark was interrupted.", e);
        }
    }

    private void awaitSocket(Path socket) {
        for (var waited = 0.0; !Files.exists(socket); waited += 0.05) {
            if (!process.alive() || waited > PATIENCE_SECONDS) {
                throw new BenchException(
                        socket + " does not appear. Vireo says: " + process.tail());
            }
            Progress.sleep(0.05);
        }
    }

    @Override
    public void close() {
        process.close();
    }
}
