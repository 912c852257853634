package io.vireo.reactor;

/**
 * Asked whether it was its guest's memory that could not be accessed (a SIGBUS, which HotSpot turns
 * into an {@link InternalError}). The error does not tell, may have come late, and is of any memory
 * that the poller, task or handler touched which was just cut off. All calls are on the reactor's
 * thread, outside of any poller, before anything else runs.
 */
@FunctionalInterface
public interface MemoryFaultListener {
    /** Whether any memory of it can fail. Asked of all each time: quick, and in doubt yes. */
    default boolean exposed() {
        return true;
    }

    /** Whether this reactor has touched its memory in this turn; those are asked to look first. */
    default boolean touched() {
        return true;
    }

    /**
     * Looks at the memory that was touched, and gives up what is broken.
     *
     * @return whether something was
     */
    boolean memoryFault();

    /** Nobody found anything, and nobody else is {@link #exposed}: gives its memory up. */
    default void convicted() {}
}
