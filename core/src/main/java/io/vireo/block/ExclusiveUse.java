package io.vireo.block;

/**
 * Who may use a virtual disk: one writer alone, or any number of readers. A file system that is
 * written to by one server and read by another shows garbage to the second.
 */
public interface ExclusiveUse {
    /**
     * Claims the disk.
     *
     * @param user who, for the message that others get
     * @throws io.vireo.resource.ResourceException IN_USE
     */
    Claim claim(String user, boolean readOnly);

    /** A claim; given back once. */
    interface Claim {
        /** Gives it back. Any thread. */
        void release();
    }
}
