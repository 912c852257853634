package io.vireo.transport;

import java.util.Map;

/** A device that is presented. Thread safe. */
public interface Endpoint {
    /** What the other side is doing. */
    enum State {
        /** Nobody is connected. */
        WAITING,
        /** A front end is connected and has not started the device. */
        CONNECTED,
        /** At least one queue runs. */
        RUNNING,
        /** Closed. */
        CLOSED
    }

    State state();

    /** Counters with stable names, for example {@code inflight_recovered}. */
    Map<String, Long> counters();

    /** The last thing that went wrong with a front end, in one sentence; empty if nothing did. */
    String lastError();

    /**
     * Has {@code changed} run, on any thread and often, when {@link #state} or {@link #lastError}
     * changes. Set once.
     */
    void onChange(Runnable changed);

    /**
     * Drops the front end, drains and stops the queues, gives everything back. {@code onClosed}
     * runs once on any thread.
     */
    void close(Runnable onClosed);
}
