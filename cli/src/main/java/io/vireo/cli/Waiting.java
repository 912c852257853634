package io.vireo.cli;

import java.time.Duration;
import java.util.function.Supplier;

/** Waits until the daemon has done what it was told. */
final class Waiting {
    private static final Duration PAUSE = Duration.ofMillis(100);

    private Waiting() {}

    /**
     * Asks again and again until the answer is empty.
     *
     * @param unmet what is still to come about, in a few words, or empty
     */
    static void until(int seconds, Supplier<String> unmet) {
        long deadline = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        for (String left = unmet.get(); !left.isEmpty(); left = unmet.get()) {
            if (System.nanoTime() > deadline) {
                throw new CliException(ExitCode.TIMED_OUT, "after " + seconds + " s: " + left);
            }
            try {
                Thread.sleep(PAUSE);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                throw new CliException(ExitCode.FAILED, "interrupted");
            }
        }
    }
}
