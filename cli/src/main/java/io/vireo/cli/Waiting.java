package io.vireo.cli;

import java.io.PrintWriter;
import java.time.Duration;
import java.util.function.Supplier;

/** Waits until the daemon has done what it was told, and says what for. */
final class Waiting {
    /** Seconds that nobody counts. */
    static final int FOR_EVER = Integer.MAX_VALUE;

    private static final Duration PAUSE = Duration.ofMillis(100);

    /** What is over sooner is not told: a reader would only wonder. */
    private static final long TOLD_NANOS = Duration.ofSeconds(1).toNanos();

    private final int seconds;
    private final PrintWriter told;
    private String reason = "";
    private long since;
    private boolean isTold;

    /** Whether it is still to be told for how long. */
    private boolean bounded;

    private Waiting(int seconds, PrintWriter told) {
        this.seconds = seconds;
        this.told = told;
        bounded = seconds != FOR_EVER;
    }

    /**
     * Asks again and again until the answer is empty.
     *
     * @param told gets a line of each thing that takes more than a second
     * @param unmet what is still to come about, in a few words, or empty
     */
    static void until(int seconds, PrintWriter told, Supplier<String> unmet) {
        var waiting = new Waiting(seconds, told);
        long deadline = System.nanoTime() + Duration.ofSeconds(seconds).toNanos();
        for (String left = unmet.get(); !left.isEmpty(); left = unmet.get()) {
            long now = System.nanoTime();
            if (now > deadline) {
                throw new CliException(ExitCode.TIMED_OUT, "after " + seconds + " s: " + left);
            }
            waiting.look(left, now);
            try {
                Thread.sleep(PAUSE);
            } catch (InterruptedException _) {
                Thread.currentThread().interrupt();
                throw new CliException(ExitCode.FAILED, "interrupted");
            }
        }
    }

    private void look(String left, long now) {
        if (!left.equals(reason)) {
            reason = left;
            since = now;
            isTold = false;
        } else if (!isTold && now - since > TOLD_NANOS) {
            isTold = true;
            told.println((bounded ? "waiting, " + seconds + " s at most: " : "waiting: ") + left);
            told.flush();
            bounded = false;
        }
    }
}
