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
        CLOSED;

        /** Whether there is a front end. */
        public boolean isConnected() {
            return switch (this) {
                case CONNECTED, RUNNING -> true;
                case WAITING, CLOSED -> false;
            };
        }
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
     * Stops the queues of the device between two requests, and the front end's messages wait: its
     * queues may then be given to other reactors ({@link io.vireo.device.VirtioDevice#reactor}).
     * {@code onPaused} runs once on any thread. Until {@link #resume} nobody is served; front end
     * and driver notice nothing but the time that it takes.
     */
    void pause(Runnable onPaused);

    /**
     * Ends a pause, also one that has not begun yet: queues that ran go on where they stopped, on
     * the reactors that the device names now.
     */
    void resume();

    /**
     * Drops the front end, drains and stops the queues, gives everything back. {@code onClosed}
     * runs once on any thread.
     */
    void close(Runnable onClosed);
}
