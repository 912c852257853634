package io.vireo.bench;

import io.vireo.linux.ErrnoException;
import io.vireo.linux.Sched;

/** Threads that stay on one core. */
final class Pinned {
    private Pinned() {}

    /** Starts a platform thread on {@code core}. */
    static Thread start(String name, int core, Runnable body) {
        return Thread.ofPlatform()
                .name(name)
                .daemon()
                .start(() -> {
                    pin(core);
                    body.run();
                });
    }

    private static void pin(int core) {
        try {
            Sched.pin(core);
        } catch (ErrnoException e) {
            throw new BenchException("A benchmark needs cores 0 and 1: " + e.getMessage(), e);
        }
    }

    static void join(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BenchException("The benchmark was interrupted.", e);
        }
    }
}
