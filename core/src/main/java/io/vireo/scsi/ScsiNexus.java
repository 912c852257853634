package io.vireo.scsi;

/**
 * An I_T nexus. All methods are called on the reactor on which it was opened, which runs it by
 * itself: there is nothing to poll.
 */
public interface ScsiNexus {
    /**
     * Takes a task: the Execute Command call of SAM-5, 5.1. It may end before this returns, or
     * later; it is told to {@link NexusListener#completed} either way. Any number may be submitted:
     * what exceeds the room of a logical unit ends with TASK SET FULL.
     */
    void submit(ScsiTask task);

    /**
     * Takes a task management function (SAM-5, 7). It is told to {@link NexusListener#managed} when
     * it has ended; each task of this nexus that it ends is told before that, with an {@link
     * ScsiTask#outcome} other than COMPLETED.
     */
    void manage(TaskManagement function);

    /**
     * The transport waits for its tasks: none of them, nor any that comes after, is held back for
     * the rates of the target or the policy of a disk, until this is taken back.
     */
    void hurry(boolean on);

    /**
     * The transport would have a task back rather than wait for it. It ends soon as {@link
     * ScsiTask.Outcome#TAKEN_BACK} if it has not begun, or if it waits for room on the disk that
     * there may never be and comes to the same when it is carried out anew from its beginning. Any
     * other goes on; nothing happens if it has ended.
     */
    void takeBack(ScsiTask task);

    /** Tasks that are submitted and have not ended. */
    int inFlight();

    /**
     * I_T nexus loss (SAM-5, 6.3.4): aborts all tasks, each of which is told as ABORTED, gives back
     * what is held for the nexus, and runs {@code onClosed} when the last one has ended. Nothing is
     * submitted any more, and no event is told any more. Persistent registrations stay.
     */
    void close(Runnable onClosed);
}
