package io.vireo.reactor;

/** A task that a {@link Reactor} runs later. All methods are called on the reactor's thread. */
public interface Timer {
    /** The task does not run, unless it already has. */
    void cancel();
}
