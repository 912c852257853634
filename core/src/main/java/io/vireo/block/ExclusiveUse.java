package io.vireo.block;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;

/**
 * Who may use a virtual disk: one writer alone, or any number of readers. A file system that is
 * written to by one server and read by another shows garbage to the second.
 */
public interface ExclusiveUse {
    /**
     * Claims the disk.
     *
     * @param user who, for the message that others get
     * @throws ResourceException NOT_READY
     */
    Claim claim(String user, boolean readOnly);

    /**
     * Claims the disk for what is to happen as soon as others have given it back.
     *
     * @param user who, for the message that others get
     * @throws ResourceException NOT_READY: the reconciler tries again
     */
    default Claim claimOnceFree(String user, boolean readOnly) {
        try {
            return claim(user, readOnly);
        } catch (ResourceException e) {
            throw new ResourceException(ErrorCode.NOT_READY, String.valueOf(e.getMessage()), e);
        }
    }

    /** A claim; given back once. */
    interface Claim {
        /** Tells who has it from now on, for the message that others get. Any thread. */
        default void heldBy(String user) {}

        /** Gives it back. Any thread. */
        void release();
    }
}
