package io.vireo.reactor;

/**
 * Told that some guest's memory could not be accessed in the turn that just ended (a SIGBUS, which
 * HotSpot turns into an {@link InternalError}). The error may have come late and from any guest's
 * memory that the turn touched: each listener checks its own and gives up what is broken.
 */
@FunctionalInterface
public interface MemoryFaultListener {
    /** Called on the reactor's thread, outside of any poller. */
    void memoryFault();
}
