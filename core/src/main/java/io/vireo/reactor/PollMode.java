package io.vireo.reactor;

import java.util.concurrent.TimeUnit;

/** How long a reactor keeps polling what has no work. */
public enum PollMode {
    /** Polls on for {@link #parkAfterNanos} after the last work, then sleeps: the default. */
    ADAPTIVE(TimeUnit.MICROSECONDS.toNanos(50)),
    /** Never sleeps while a device runs: lowest latency, a whole core. */
    BUSY(Long.MAX_VALUE),
    /** Sleeps as soon as there is no work: least CPU. */
    INTERRUPT(0);

    private final long parkAfterNanos;

    PollMode(long parkAfterNanos) {
        this.parkAfterNanos = parkAfterNanos;
    }

    /** As long as it takes for what follows at once to come. */
    private static final long WHILE_OTHERS_WORK = TimeUnit.MICROSECONDS.toNanos(5);

    /**
     * The same while other threads carry out what this reactor waits for: they may be bound to its
     * core.
     */
    long parkWhileOthersWorkNanos() {
        return this == BUSY ? parkAfterNanos : Math.min(parkAfterNanos, WHILE_OTHERS_WORK);
    }

    /** Nanoseconds without work after which a poller is parked. */
    public long parkAfterNanos() {
        return parkAfterNanos;
    }
}
