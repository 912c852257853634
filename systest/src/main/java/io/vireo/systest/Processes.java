package io.vireo.systest;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** Waiting, and ending child processes. */
final class Processes {
    private Processes() {}

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
