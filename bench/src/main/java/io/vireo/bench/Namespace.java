package io.vireo.bench;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** A network namespace that lasts as long as a case. Root only. */
record Namespace(String name) implements AutoCloseable {
    /** Makes it. */
    static Namespace create(String name) {
        run(List.of("ip", "netns", "add", name));
        return new Namespace(name);
    }

    /** Runs ip(8) on it. */
    void ip(String... arguments) {
        var command = new ArrayList<>(List.of("ip", "-n", name));
        command.addAll(List.of(arguments));
        run(command);
    }

    /** Runs a program in it and returns what it prints. */
    String inside(String... arguments) {
        var command = new ArrayList<>(List.of("ip", "netns", "exec", name));
        command.addAll(List.of(arguments));
        return run(command);
    }

    /** Frames that an interface has handed to the kernel. */
    long received(String link) {
        var counter = "/sys/class/net/" + link + "/statistics/rx_packets";
        return Long.parseLong(inside("cat", counter).strip());
    }

    private static String run(List<String> command) {
        try {
            var process = new ProcessBuilder(command).redirectErrorStream(true).start();
            var output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (process.waitFor() != 0) {
                throw new BenchException(String.join(" ", command) + " failed: " + output.strip());
            }
            return output;
        } catch (IOException e) {
            throw new BenchException("Cannot run " + command.getFirst() + ".", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("The benchmark was interrupted.", e);
        }
    }

    @Override
    public void close() {
        run(List.of("ip", "netns", "delete", name));
    }
}
