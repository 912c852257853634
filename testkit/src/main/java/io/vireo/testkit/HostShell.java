package io.vireo.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** Lines of shell that the host runs for a test, also in network namespaces that the test makes. */
public final class HostShell {
    /** Only a defect takes so long: then the line is ended. */
    private static final String SECONDS = "120";

    private HostShell() {}

    /**
     * How a line ended.
     *
     * @param status 0 if well
     * @param output what it said, errors included, without spaces around it
     */
    public record Result(int status, String output) {
        /** Whether it ended well. */
        public boolean succeeded() {
            return status == 0;
        }
    }

    /** Runs a line that must succeed, and returns what it said. */
    public static String run(String line) {
        var result = result(line);
        assertThat(result.status).as(line + ": " + result.output).isZero();
        return result.output;
    }

    /** Runs a line, without single quotes, in a namespace; it must succeed. */
    public static String inside(String namespace, String line) {
        return run("ip netns exec " + namespace + " bash -c '" + line + "'");
    }

    /** Makes an empty namespace, in the place of one that was left from before if there is one. */
    public static void makeNamespace(String name) {
        removeNamespace(name);
        run("ip netns add " + name);
    }

    /** Removes a namespace, if there is one of this name. */
    public static void removeNamespace(String name) {
        run("ip netns del " + name + " 2>/dev/null || true");
    }

    /** Runs a line and tells how it ended. */
    public static Result result(String line) {
        try {
            var process =
                    new ProcessBuilder("timeout", SECONDS, "bash", "-c", line)
                            .redirectErrorStream(true)
                            .start();
            var output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            return new Result(process.waitFor(), output.strip());
        } catch (IOException e) {
            throw new UncheckedIOException(line, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("interrupted: " + line, e);
        }
    }
}
