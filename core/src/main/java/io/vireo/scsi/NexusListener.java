package io.vireo.scsi;

/** Told of what happens on an I_T nexus. All methods are called on the nexus's reactor. */
public interface NexusListener {
    /**
     * A task has ended; {@link ScsiTask#outcome} says how. It may be used anew from here on. Called
     * exactly once for each submission, maybe from within {@link ScsiNexus#submit}.
     */
    void completed(ScsiTask task);

    /** A task management function has ended. It may be used anew from here on. */
    void managed(TaskManagement function);

    /**
     * One or several calls of {@link #completed}, {@link #managed} or of events that did not come
     * from within a call of the transport's are over for now: a good moment to flush answers.
     */
    void settled();

    /**
     * The link of the target went down or came up again: what the transport takes meanwhile must
     * not reach the nexus. Told at the beginning of a nexus, too, if it is down then.
     */
    void linkChanged(boolean up);

    /** A logical unit was mapped: it can be addressed from now on. */
    void unitAdded(long lun);

    /** A logical unit was unmapped: it cannot be addressed any more. */
    void unitRemoved(long lun);

    /**
     * Something about a logical unit changed, and a unit attention condition of this additional
     * sense code was established for the nexus. Advice only, and not for each condition: the
     * initiator finds it by its next command either way.
     *
     * @param asc additional sense code, for example 2Ah
     * @param ascq its qualifier, for example 09h for CAPACITY DATA HAS CHANGED
     */
    void unitChanged(long lun, int asc, int ascq);
}
