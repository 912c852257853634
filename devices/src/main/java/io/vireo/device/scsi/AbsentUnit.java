package io.vireo.device.scsi;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.ScatterGatherList;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;

/**
 * Answers at LUNs where there is no logical unit, and at the REPORT LUNS well known logical unit
 * (SPC-4, 6.6.1 and 8.2).
 */
final class AbsentUnit {
    private static final int INQUIRY = 0x12;
    private static final int TEST_UNIT_READY = 0x00;
    private static final int REQUEST_SENSE = 0x03;
    private static final int REPORT_LUNS = 0xA0;
    private static final int NOT_CAPABLE = 0x7F;
    private static final int WELL_KNOWN = 0x1E;

    private AbsentUnit() {}

    /** Ends a task. */
    static void execute(ScsiTask task, int lun, UnitTarget target) {
        boolean wellKnown = lun == Luns.REPORT_LUNS;
        byte[] cdb = task.cdb();
        switch (cdb[0] & 0xFF) {
            case INQUIRY -> inquiry(task, wellKnown);
            case REPORT_LUNS -> {
                Reply luns = new Reply();
                if (ReportCommands.reportLuns(luns, Bytes.u8(cdb, 2), target)) {
                    reply(task, luns, Bytes.u32(cdb, 6));
                } else {
                    fail(task, Sense.INVALID_FIELD_IN_CDB, Sense.cdbByte(2));
                }
            }
            case REQUEST_SENSE -> {
                int code = wellKnown ? Sense.NONE : Sense.LOGICAL_UNIT_NOT_SUPPORTED;
                reply(task, UnitCommands.senseData((cdb[1] & 1) != 0, code), Bytes.u8(cdb, 4));
            }
            case TEST_UNIT_READY -> {
                if (wellKnown) {
                    task.result(ScsiStatus.GOOD);
                } else {
                    fail(task, Sense.LOGICAL_UNIT_NOT_SUPPORTED, Sense.NO_SPECIFIC);
                }
            }
            default -> {
                int code =
                        wellKnown ? Sense.INVALID_OPERATION_CODE : Sense.LOGICAL_UNIT_NOT_SUPPORTED;
                fail(task, code, Sense.NO_SPECIFIC);
            }
        }
    }

    private static void inquiry(ScsiTask task, boolean wellKnown) {
        byte[] cdb = task.cdb();
        int type = wellKnown ? WELL_KNOWN : NOT_CAPABLE;
        boolean vital = (cdb[1] & 1) != 0;
        if (vital && cdb[2] != 0) {
            fail(task, Sense.INVALID_FIELD_IN_CDB, Sense.cdbByte(2));
        } else if (vital) {
            reply(task, new Reply().u8(type).u8(0).u16(1).u8(0), Bytes.u16(cdb, 3));
        } else if (cdb[2] != 0) {
            fail(task, Sense.INVALID_FIELD_IN_CDB, Sense.cdbByte(2));
        } else {
            reply(task, InquiryCommands.standard(type), Bytes.u16(cdb, 3));
        }
    }

    private static void reply(ScsiTask task, Reply reply, long allocationLength) {
        int length = (int) Math.min(reply.length(), allocationLength);
        // What it ends with if the initiator's memory is gone.
        task.wanted(0, 0);
        fail(task, Sense.DATA_PHASE_ERROR, Sense.NO_SPECIFIC);
        ScatterGatherList list = task.dataIn();
        int at = 0;
        int left = (int) Math.min(length, list.total());
        for (int i = 0; left > 0; i++) {
            int piece = Math.min(left, list.length(i));
            NativeMemory.copyFromArray(reply.bytes(), at, list.address(i), piece);
            at += piece;
            left -= piece;
        }
        NativeMemory.settle();
        task.wanted(0, length);
        task.result(ScsiStatus.GOOD);
    }

    private static void fail(ScsiTask task, int code, int specific) {
        task.checkCondition(Sense.write(task.sense(), false, code, Sense.NO_INFORMATION, specific));
    }
}
