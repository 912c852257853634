package io.vireo.device.scsi;

import java.util.Arrays;

/**
 * Sense data (SPC-4, 4.5). A code is the sense key, the additional sense code and its qualifier in
 * three bytes.
 */
final class Sense {
    static final int NONE = 0x00_0000;
    static final int NOT_READY_FORMAT = 0x02_0404;
    static final int NOT_READY_STANDBY = 0x02_040B;
    static final int NOT_READY_UNAVAILABLE = 0x02_040C;
    static final int NOT_READY_SANITIZE = 0x02_041B;
    static final int STOPPED = 0x02_0402;
    static final int MEDIUM_NOT_PRESENT = 0x02_3A00;
    static final int UNRECOVERED_READ_ERROR = 0x03_1100;
    static final int WRITE_ERROR = 0x03_0C00;
    static final int MEDIUM_FORMAT_CORRUPTED = 0x03_3100;
    static final int SANITIZE_FAILED = 0x03_3103;
    static final int INTERNAL_TARGET_FAILURE = 0x04_4400;
    static final int PARAMETER_LIST_LENGTH_ERROR = 0x05_1A00;
    static final int INVALID_OPERATION_CODE = 0x05_2000;
    static final int LBA_OUT_OF_RANGE = 0x05_2100;
    static final int INVALID_FIELD_IN_CDB = 0x05_2400;
    static final int LOGICAL_UNIT_NOT_SUPPORTED = 0x05_2500;
    static final int INVALID_FIELD_IN_PARAMETER_LIST = 0x05_2600;
    static final int INVALID_RELEASE_OF_PERSISTENT_RESERVATION = 0x05_2604;
    static final int INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT = 0x05_0E03;
    static final int SAVING_PARAMETERS_NOT_SUPPORTED = 0x05_3900;
    static final int INVALID_MESSAGE_ERROR = 0x05_4900;
    static final int MEDIUM_REMOVAL_PREVENTED = 0x05_5302;
    static final int INSUFFICIENT_REGISTRATION_RESOURCES = 0x05_5504;
    static final int MEDIUM_MAY_HAVE_CHANGED = 0x06_2800;
    static final int POWER_ON_OR_RESET = 0x06_2900;
    static final int DEVICE_RESET = 0x06_2903;
    static final int I_T_NEXUS_LOSS = 0x06_2907;
    static final int MODE_PARAMETERS_CHANGED = 0x06_2A01;
    static final int RESERVATIONS_PREEMPTED = 0x06_2A03;
    static final int RESERVATIONS_RELEASED = 0x06_2A04;
    static final int REGISTRATIONS_PREEMPTED = 0x06_2A05;
    static final int ASYMMETRIC_ACCESS_STATE_CHANGED = 0x06_2A06;
    static final int CAPACITY_DATA_CHANGED = 0x06_2A09;
    static final int OPERATION_IN_PROGRESS = 0x05_0016;
    static final int UNSUPPORTED_TOKEN_TYPE = 0x05_2301;
    static final int TOKEN_UNKNOWN = 0x05_2304;
    static final int TOKEN_REVOKED = 0x05_2306;
    static final int TOKEN_EXPIRED = 0x05_2307;
    static final int TOKEN_DELETED = 0x05_2309;
    static final int TOO_MANY_CSCD_DESCRIPTORS = 0x05_2606;
    static final int UNSUPPORTED_CSCD_DESCRIPTOR = 0x05_2607;
    static final int TOO_MANY_SEGMENT_DESCRIPTORS = 0x05_2608;
    static final int UNSUPPORTED_SEGMENT_DESCRIPTOR = 0x05_2609;
    static final int INLINE_DATA_LENGTH_EXCEEDED = 0x05_260B;
    static final int COPY_ABORTED = 0x0A_0000;
    static final int THIRD_PARTY_DEVICE_FAILURE = 0x0A_0D01;
    static final int COPY_TARGET_NOT_REACHABLE = 0x0A_0D02;
    static final int INCORRECT_COPY_TARGET_TYPE = 0x0A_0D03;
    static final int SOFT_THRESHOLD_REACHED = 0x06_3807;
    static final int COMMANDS_CLEARED_BY_ANOTHER_INITIATOR = 0x06_2F00;
    static final int COMMANDS_CLEARED_BY_DEVICE_SERVER = 0x06_2F02;
    static final int REPORTED_LUNS_DATA_CHANGED = 0x06_3F0E;
    static final int WRITE_PROTECTED = 0x07_2700;
    static final int SPACE_ALLOCATION_FAILED = 0x07_2707;
    static final int DATA_PHASE_ERROR = 0x0B_4B00;
    static final int COMMAND_ABORTED = 0x0B_0000;
    static final int MISCOMPARE = 0x0E_1D00;

    /** Sense key DATA PROTECT. */
    static final int DATA_PROTECT = 0x07;

    /** {@link #write}: no information field. */
    static final long NO_INFORMATION = -1;

    /** {@link #write}: no sense key specific field. */
    static final int NO_SPECIFIC = 0;

    /** Bytes of fixed format sense data. */
    static final int FIXED_LENGTH = 18;

    private static final int VALID = 0x80;
    private static final int IN_CDB = 0x40;
    private static final int BIT_POINTER_VALID = 0x08;

    private Sense() {}

    /** The code of sense data of either format. */
    static int code(byte[] sense) {
        return (sense[0] & 0x7F) >= 0x72
                ? (sense[1] & 0x0F) << 16 | Bytes.u16(sense, 2)
                : (sense[2] & 0x0F) << 16 | Bytes.u16(sense, 12);
    }

    /** A sense key specific field that points to a byte of the CDB (SPC-4, 4.5.2.4.2). */
    static int cdbByte(int offset) {
        return (VALID | IN_CDB) << 16 | offset;
    }

    /** As {@link #cdbByte}, with the highest bit of the field. */
    static int cdbBit(int offset, int bit) {
        return (VALID | IN_CDB | BIT_POINTER_VALID | bit) << 16 | offset;
    }

    /** A sense key specific field that points to a byte of the parameter list. */
    static int parameterByte(int offset) {
        return VALID << 16 | offset & 0xFFFF;
    }

    /** A sense key specific field with a progress indication in 65536ths (SPC-4, 4.5.2.4.4). */
    static int progress(int of65536) {
        return VALID << 16 | Math.min(of65536, 0xFFFF);
    }

    /** What the information field says of a unit attention condition. */
    static long information(int code) {
        // SBC-4, 4.7.3.7.6: where the threshold is in its mode page.
        return code == SOFT_THRESHOLD_REACHED ? ModePages.THRESHOLD : NO_INFORMATION;
    }

    /**
     * Writes sense data of a current error.
     *
     * @param information not negative, or {@link #NO_INFORMATION}
     * @param specific sense key specific field, or {@link #NO_SPECIFIC}
     * @return bytes
     */
    static int write(byte[] out, boolean descriptor, int code, long information, int specific) {
        return descriptor
                ? writeDescriptors(out, code, information, specific)
                : writeFixed(out, code, information, specific);
    }

    private static int writeFixed(byte[] out, int code, long information, int specific) {
        Arrays.fill(out, 0, FIXED_LENGTH, (byte) 0);
        boolean fits = information >= 0 && information <= 0xFFFF_FFFFL;
        out[0] = (byte) (0x70 | (fits ? VALID : 0));
        out[2] = (byte) (code >> 16);
        if (fits) {
            Bytes.put32(out, 3, information);
        }
        out[7] = FIXED_LENGTH - 8;
        Bytes.put16(out, 12, code);
        Bytes.put24(out, 15, specific);
        return FIXED_LENGTH;
    }

    private static int writeDescriptors(byte[] out, int code, long information, int specific) {
        Arrays.fill(out, 0, 28, (byte) 0);
        out[0] = 0x72;
        out[1] = (byte) (code >> 16);
        Bytes.put16(out, 2, code);
        int at = 8;
        if (information >= 0) {
            out[at + 1] = 0x0A;
            out[at + 2] = (byte) VALID;
            Bytes.put64(out, at + 4, information);
            at += 12;
        }
        if (specific != NO_SPECIFIC) {
            out[at] = 0x02;
            out[at + 1] = 0x06;
            Bytes.put24(out, at + 4, specific);
            at += 8;
        }
        out[7] = (byte) (at - 8);
        return at;
    }
}
