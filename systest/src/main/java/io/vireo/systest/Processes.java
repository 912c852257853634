package io.vireo.systest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Running, waiting for and ending child processes, and doing several things at once. */
final class Processes {
    private static final Duration PATIENCE = Duration.ofMinutes(2);

    private Processes() {}

    /**
     * Runs a command of the host, also one of those that only root has in its path.
     *
     * @throws ScenarioException with what it printed if it fails
     */
    static void run(String... words) {
        try {
            var builder = new ProcessBuilder(words).redirectErrorStream(true);
            builder.environment().merge("PATH", ":/usr/sbin:/sbin", String::concat);
            Process process = builder.start();
            String output =
                    new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
            if (!ended(process, PATIENCE) || process.exitValue() != 0) {
                throw new ScenarioException(String.join(" ", words) + ": " + output);
            }
        } catch (IOException e) {
            throw new ScenarioException(words[0] + " cannot be run", e);
        }
    }

    /**
     * Asks by SIGTERM, insists by SIGKILL.
     *
     * @return whether asking was enough
     */
    static boolean end(Process process, Duration patience) {
        process.destroy();
        boolean asked = ended(process, patience);
        if (!asked) {
            kill(process);
        }
        return asked;
    }

    /** Ends a process by SIGKILL and waits for its end. */
    static void kill(Process process) {
        process.destroyForcibly();
        ended(process, Duration.ofMinutes(1));
    }

    static boolean ended(Process process, Duration patience) {
        try {
            return process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
            return false;
        }
    }

    /**
     * Does all of it at once, each on a thread of its own, however few processors there are; the
     * first failure is thrown when all have ended.
     */
    static void atOnce(Runnable... tasks) {
        var parts =
                Stream.of(tasks)
                        .map(task ->
                                CompletableFuture.runAsync(
                                        task, each -> Thread.ofPlatform().start(each)))
                        .toArray(CompletableFuture<?>[]::new);
        try {
            CompletableFuture.allOf(parts).join();
        } catch (CompletionException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause();
            throw new ScenarioException(String.valueOf(cause.getMessage()), cause);
        }
    }

    /** Sleeps; an interrupt ends the scenario. */
    static void pause(long millis) {
        try {
            Thread.sleep(millis);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ScenarioException("interrupted", e);
        }
    }
}
