package io.vireo.device.virtio.scsi;

import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.scsi.TaskManagement;

/** Numbers of the protocol, VIRTIO 1.3, 5.6.3, 5.6.4 and 5.6.6. */
final class ScsiProtocol {
    static final int DEVICE_TYPE = 8;

    static final int CONTROL_QUEUE = 0;
    static final int EVENT_QUEUE = 1;
    static final int FIRST_REQUEST_QUEUE = 2;

    // VIRTIO_SCSI_F_*
    static final long F_INOUT = 1L;
    static final long F_HOTPLUG = 1L << 1;
    static final long F_CHANGE = 1L << 2;

    // VIRTIO_SCSI_S_*
    static final byte S_OK = 0;
    static final byte S_OVERRUN = 1;
    static final byte S_ABORTED = 2;
    static final byte S_BAD_TARGET = 3;
    static final byte S_RESET = 4;
    static final byte S_BUSY = 5;
    static final byte S_TRANSPORT_FAILURE = 6;
    static final byte S_FAILURE = 9;
    static final byte S_FUNCTION_SUCCEEDED = 10;
    static final byte S_FUNCTION_REJECTED = 11;
    static final byte S_INCORRECT_LUN = 12;

    // VIRTIO_SCSI_T_*
    static final int T_TMF = 0;
    static final int T_AN_QUERY = 1;
    static final int T_AN_SUBSCRIBE = 2;
    static final int T_NO_EVENT = 0;
    static final int T_TRANSPORT_RESET = 1;
    static final int T_PARAM_CHANGE = 3;
    static final int T_EVENTS_MISSED = 0x8000_0000;

    static final int RESET_RESCAN = 1;
    static final int RESET_REMOVED = 2;

    /** Bytes of {@code lun}, {@code id}, {@code task_attr}, {@code prio} and {@code crn}. */
    static final int REQUEST_HEADER = 19;

    /** Bytes of {@code prio} and {@code crn}. */
    static final int PRIO_AND_CRN = 2;

    /** Bytes of the response before the sense data. */
    static final int RESPONSE_HEADER = 12;

    /** Bytes of struct virtio_scsi_event. */
    static final int EVENT = 16;

    /** Default of {@code sense_size}. */
    static final int SENSE_SIZE = 96;

    /** Default of {@code cdb_size}. */
    static final int CDB_SIZE = 32;

    /** No LUN of the device: another target. */
    static final long BAD_TARGET = -1;

    private static final TaskManagement.Function[] FUNCTIONS = {
        TaskManagement.Function.ABORT_TASK,
        TaskManagement.Function.ABORT_TASK_SET,
        TaskManagement.Function.CLEAR_ACA,
        TaskManagement.Function.CLEAR_TASK_SET,
        TaskManagement.Function.I_T_NEXUS_RESET,
        TaskManagement.Function.LOGICAL_UNIT_RESET,
        TaskManagement.Function.QUERY_TASK,
        TaskManagement.Function.QUERY_TASK_SET,
    };

    private static final TaskAttribute[] ATTRIBUTES = {
        TaskAttribute.SIMPLE, TaskAttribute.ORDERED, TaskAttribute.HEAD_OF_QUEUE, TaskAttribute.ACA,
    };

    private static final long REPORT_LUNS_UNIT = 0xC101_0000_0000_0000L;

    private ScsiProtocol() {}

    /**
     * The LUN of SAM-5 that the eight bytes of a request name (5.6.6.1): a 1, the target, of which
     * there is one, and a single level LUN.
     *
     * @param field the bytes as a big-endian number
     * @return {@link #BAD_TARGET} if it is of another target
     */
    static long lun(long field) {
        if (field == REPORT_LUNS_UNIT) {
            return field;
        }
        return field >>> 48 == 0x0100 && (field & 0xFFFF_FFFFL) == 0
                ? (field & 0xFFFF_0000_0000L) << 16
                : BAD_TARGET;
    }

    /** The eight bytes for a LUN of SAM-5, of which the first two are not 0 at most. */
    static long field(long lun) {
        return 0x0100L << 48 | lun >>> 16;
    }

    /** Whether there is a function of this subtype. */
    static boolean isFunction(int subtype) {
        return subtype >= 0 && subtype < FUNCTIONS.length;
    }

    /** The function of a subtype. */
    static TaskManagement.Function function(int subtype) {
        return FUNCTIONS[subtype];
    }

    /** The task attribute of a request; one that does not exist is SIMPLE. */
    static TaskAttribute attribute(byte value) {
        return value >= 0 && value < ATTRIBUTES.length ? ATTRIBUTES[value] : TaskAttribute.SIMPLE;
    }

    /** What the driver is told of a task's end. */
    static byte response(ScsiTask.Outcome outcome) {
        return switch (outcome) {
            case COMPLETED -> S_OK;
            case ABORTED -> S_ABORTED;
            case RESET -> S_RESET;
            // It goes back to the ring; if it were told, the driver would send it again.
            case TAKEN_BACK -> S_BUSY;
        };
    }

    /** What the driver is told of a function's end. */
    static byte response(TaskManagement.Response response) {
        return switch (response) {
            // SAM-5, 7.2: a task that is not there counts as aborted.
            case FUNCTION_COMPLETE, TASK_NOT_FOUND -> S_OK;
            case FUNCTION_SUCCEEDED -> S_FUNCTION_SUCCEEDED;
            case FUNCTION_REJECTED -> S_FUNCTION_REJECTED;
            case INCORRECT_LOGICAL_UNIT_NUMBER -> S_INCORRECT_LUN;
        };
    }
}
