package io.vireo.transport;

import java.nio.file.Path;

/**
 * The monitors of hypervisors: by them a guest learns what the transport of its device cannot tell
 * it. Thread safe.
 */
public interface Monitor {
    /**
     * The link of a card in a guest. Nothing is said before the first {@link Link#set}.
     *
     * @param socket Unix socket at which the hypervisor takes commands
     * @param device what the hypervisor calls the card's back end
     * @param changed runs, on any thread, when {@link Link#trouble} may have changed
     */
    Link link(Path socket, String device, Runnable changed);

    /** The link of one card. */
    interface Link {
        /**
         * Has the hypervisor show the link so, now and after each failure again. Also where it was
         * told the same before: a hypervisor that has lost its back end and found it forgets.
         */
        void set(boolean up);

        /** There is nobody to tell: what failed is not tried again. */
        void idle();

        /** Why the hypervisor could not be told, in one sentence; empty if nothing is wrong. */
        String trouble();

        /** {@link #idle}, for ever. */
        void close();
    }
}
