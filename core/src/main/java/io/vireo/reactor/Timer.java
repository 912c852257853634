package io.vireo.reactor;

/** A task that a {@link Reactor} runs later. All methods are called on the reactor's thread. */
public interface Timer {
    /** Has the task run after {@code delayNanos} from now, and not when it was to run before. */
    void start(long delayNanos);

    /** The task does not run, unless it already has. */
    void cancel();
}
