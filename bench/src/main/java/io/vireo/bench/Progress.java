package io.vireo.bench;

import java.time.LocalTime;
import java.time.format.DateTimeFormatter;

/** Lines that say what is going on, so that nobody waits in the dark. */
final class Progress {
    private static final DateTimeFormatter CLOCK = DateTimeFormatter.ofPattern("HH:mm:ss");

    private Progress() {}

    static void say(String sentence) {
        System.out.println(LocalTime.now().format(CLOCK) + "  " + sentence);
    }

    static void sleep(double seconds) {
        try {
            Thread.sleep((long) (seconds * 1000));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("The benchmark was interrupted.", e);
        }
    }
}
