package io.vireo.testkit;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits of tests for what other threads bring about. */
public final class Eventually {
    private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(60);
    private static final long PAUSE_NANOS = TimeUnit.MICROSECONDS.toNanos(50);
    private static final long SLOW_PAUSE_NANOS = TimeUnit.MILLISECONDS.toNanos(100);

    private Eventually() {}

    /** As {@link #until(String, BooleanSupplier)}, where the place in the test says what. */
    public static void until(BooleanSupplier condition) {
        until("what is waited for here", condition);
    }

    /**
     * Waits until something is so, but not for ever.
     *
     * @param what is to be so, for the message
     * @throws AssertionError if it is not after a minute
     */
    public static void until(String what, BooleanSupplier condition) {
        until(what, condition, PAUSE_NANOS);
    }

    /** As {@link #until}, where a look costs as much as a request or a process. */
    public static void slowly(String what, BooleanSupplier condition) {
        until(what, condition, SLOW_PAUSE_NANOS);
    }

    private static void until(String what, BooleanSupplier condition, long pause) {
        long deadline = System.nanoTime() + PATIENCE_NANOS;
        while (!condition.getAsBoolean()) {
            if (System.nanoTime() - deadline > 0) {
                throw new AssertionError("never so: " + what);
            }
            LockSupport.parkNanos(pause);
        }
    }
}
