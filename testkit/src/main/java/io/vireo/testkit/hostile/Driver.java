package io.vireo.testkit.hostile;

import io.vireo.testkit.VhostUserSession;

/** How the driver of one kind of device asks it for something. */
public interface Driver {
    /** The queue that requests go through. */
    int queue();

    /**
     * Adds a legal request, which the device answers, and shows it; waits for nothing.
     *
     * @param descriptors of the chain, at least 3
     */
    void request(VhostUserSession session, VhostUserSession.Ring ring, int descriptors);

    /** Has the device look at its ring; for those that do not do so whenever they are kicked. */
    default void prompt() {}

    /** Checks the answer to the last request, which the device has used. */
    void check(VhostUserSession session);

    /** Sends a request and checks its answer. */
    default void exchange(VhostUserSession session, VhostUserSession.Ring ring, int descriptors) {
        request(session, ring, descriptors);
        VhostUserSession.awaitUsed(ring);
        check(session);
    }
}
