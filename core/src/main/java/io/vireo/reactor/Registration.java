package io.vireo.reactor;

/** A poller that runs on a {@link Reactor}. All methods are called on the reactor's thread. */
public interface Registration {
    /** Makes the poller active if it is parked. */
    void wake();

    /** Removes the poller; it is not called again. */
    void close();
}
