package io.vireo.transport.iscsi;

/**
 * Numbers of the basic header segment (RFC 7143, 11): opcodes, flags, and where fields are, in
 * bytes.
 */
final class Pdu {
    /** Bytes of a basic header segment. */
    static final int BHS = 48;

    /** Bytes of a digest. */
    static final int DIGEST = 4;

    /** What is no tag (11.2.1.8, 11.5.3). */
    static final int NO_TAG = 0xFFFFFFFF;

    // Opcodes of initiators (11.2.1.2).
    static final int NOP_OUT = 0x00;
    static final int SCSI_COMMAND = 0x01;
    static final int TASK_MANAGEMENT_REQUEST = 0x02;
    static final int LOGIN_REQUEST = 0x03;
    static final int TEXT_REQUEST = 0x04;
    static final int DATA_OUT = 0x05;
    static final int LOGOUT_REQUEST = 0x06;
    static final int SNACK_REQUEST = 0x10;

    // Opcodes of targets.
    static final int NOP_IN = 0x20;
    static final int SCSI_RESPONSE = 0x21;
    static final int TASK_MANAGEMENT_RESPONSE = 0x22;
    static final int LOGIN_RESPONSE = 0x23;
    static final int TEXT_RESPONSE = 0x24;
    static final int DATA_IN = 0x25;
    static final int LOGOUT_RESPONSE = 0x26;
    static final int R2T = 0x31;
    static final int ASYNC_MESSAGE = 0x32;
    static final int REJECT = 0x3F;

    static final int OPCODE_MASK = 0x3F;
    static final int IMMEDIATE = 0x40;

    /** F of the second byte; T of logins. */
    static final int FINAL = 0x80;

    /** C of texts and logins. */
    static final int CONTINUE = 0x40;

    // Fields that all, or most, PDUs have.
    static final int FLAGS = 1;
    static final int AHS_LENGTH = 4;
    static final int DATA_LENGTH = 5;
    static final int LUN = 8;
    static final int ITT = 16;
    static final int TTT = 20;
    static final int CMD_SN = 24;
    static final int EXP_STAT_SN = 28;
    static final int STAT_SN = 24;
    static final int EXP_CMD_SN = 28;
    static final int MAX_CMD_SN = 32;

    // SCSI Command (11.3).
    static final int COMMAND_READ = 0x40;
    static final int COMMAND_WRITE = 0x20;
    static final int COMMAND_ATTRIBUTE = 0x07;
    static final int EXPECTED_LENGTH = 20;
    static final int CDB = 32;
    static final int CDB_LENGTH = 16;
    static final int AHS_EXTENDED_CDB = 1;
    static final int AHS_BIDIRECTIONAL_LENGTH = 2;

    // SCSI Response (11.4) and Data-In (11.7).
    static final int RESPONSE = 2;
    static final int STATUS = 3;
    static final int EXP_DATA_SN = 36;
    static final int RESIDUAL = 44;
    static final int UNDERFLOW = 0x02;
    static final int OVERFLOW = 0x04;
    static final int DATA_IN_STATUS = 0x01;
    static final int DATA_SN = 36;
    static final int BUFFER_OFFSET = 40;

    // R2T (11.8).
    static final int R2T_SN = 36;
    static final int DESIRED_LENGTH = 44;

    // Task management (11.5, 11.6).
    static final int REFERENCED_TAG = 20;

    // Login (11.12, 11.13).
    static final int ISID = 8;
    static final int TSIH = 14;
    static final int CID = 20;
    static final int LOGIN_STATUS = 36;

    // Asynchronous message (11.9).
    static final int ASYNC_EVENT = 36;
    static final int ASYNC_PARAMETER_1 = 38;
    static final int ASYNC_PARAMETER_2 = 40;
    static final int ASYNC_PARAMETER_3 = 42;
    static final int EVENT_SCSI = 0;
    static final int EVENT_LOGOUT = 1;
    static final int EVENT_DROP_CONNECTION = 2;
    static final int EVENT_DROP_SESSION = 3;

    // Reject (11.17.1).
    static final int REASON = 2;
    static final int REASON_DATA_DIGEST = 0x02;
    static final int REASON_SNACK = 0x03;
    static final int REASON_PROTOCOL_ERROR = 0x04;
    static final int REASON_NOT_SUPPORTED = 0x05;
    static final int REASON_IMMEDIATE = 0x06;
    static final int REASON_INVALID_FIELD = 0x09;
    static final int REASON_OUT_OF_RESOURCES = 0x0A;

    private Pdu() {}

    /** Bytes that fill a data segment up to a word. */
    static int padding(int length) {
        return -length & 3;
    }
}
