package io.vireo.device.scsi;

/** Who brought a task to a logical unit, and takes it back when it has ended. */
interface Carrier {
    /** The task has ended; on the unit's reactor. */
    void sendBack();

    /**
     * Whether the task is a part of another one, which is the copy manager's: no initiator knows of
     * it, so that it takes no unit attention conditions away and is not found by its tag.
     */
    boolean isInternal();

    /** Whether it is a part of a task that has ended, so that nobody has that task any more. */
    default boolean goesOn() {
        return false;
    }

    /** Whether it is a part of a task that is in the task set of another unit than this one. */
    default boolean isOfOtherThan(LogicalUnit unit) {
        return false;
    }
}
