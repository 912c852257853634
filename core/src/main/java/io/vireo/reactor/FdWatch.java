package io.vireo.reactor;

/**
 * A file descriptor that a {@link Reactor} watches. All methods are called on the reactor's thread.
 */
public interface FdWatch {
    /** Watches for other events from now on. */
    void modify(int events);

    /**
     * Stops watching; the handler is not called again. To be called before the descriptor is
     * closed. Idempotent.
     */
    void close();
}
