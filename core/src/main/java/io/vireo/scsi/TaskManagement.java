package io.vireo.scsi;

/**
 * A task management function (SAM-5, 7), preallocated and used again as a {@link ScsiTask} is. It
 * belongs to the nexus from {@link ScsiNexus#manage} to {@link NexusListener#managed}.
 */
public final class TaskManagement {
    /** What to do. */
    public enum Function {
        ABORT_TASK,
        ABORT_TASK_SET,
        CLEAR_ACA,
        CLEAR_TASK_SET,
        I_T_NEXUS_RESET,
        LOGICAL_UNIT_RESET,
        /** Resets all logical units that the nexus can address. */
        TARGET_WARM_RESET,
        /**
         * As TARGET_WARM_RESET; the transport then ends its sessions with the initiator (RFC 7143,
         * 11.5.1).
         */
        TARGET_COLD_RESET,
        QUERY_TASK,
        QUERY_TASK_SET,
        QUERY_ASYNCHRONOUS_EVENT
    }

    /** How it ended (SAM-5, 7.1). */
    public enum Response {
        /** Done, or for a query: there is no such task or event. */
        FUNCTION_COMPLETE,
        /** For a query: there is. */
        FUNCTION_SUCCEEDED,
        /** Not supported. */
        FUNCTION_REJECTED,
        /** There is no logical unit of this LUN. */
        INCORRECT_LOGICAL_UNIT_NUMBER,
        /**
         * ABORT TASK: no task of this tag is in flight. SAM-5 calls it complete; a transport may
         * have an answer of its own for it.
         */
        TASK_NOT_FOUND
    }

    private Function function = Function.ABORT_TASK;
    private Response response = Response.FUNCTION_COMPLETE;
    private long lun;
    private long tag;
    private int additional;

    /**
     * Starts a new use.
     *
     * @param newLun as in {@link ScsiTask#prepare}; of no account for functions of a nexus or
     *     target
     * @param newTag of the task, for ABORT TASK and QUERY TASK
     */
    public TaskManagement prepare(Function newFunction, long newLun, long newTag) {
        function = newFunction;
        response = Response.FUNCTION_COMPLETE;
        lun = newLun;
        tag = newTag;
        additional = 0;
        return this;
    }

    public Function function() {
        return function;
    }

    public long lun() {
        return lun;
    }

    public long tag() {
        return tag;
    }

    public Response response() {
        return response;
    }

    /**
     * QUERY ASYNCHRONOUS EVENT that succeeded: the three bytes of additional response information
     * (SAM-5, 7.10), the first one highest.
     */
    public int additional() {
        return additional;
    }

    /** For the implementation of the nexus: how it ended. */
    public void result(Response newResponse, int newAdditional) {
        response = newResponse;
        additional = newAdditional;
    }
}
