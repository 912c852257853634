package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.ANY_STATE;
import static io.vireo.device.scsi.Command.IGNORES_ATTENTION;

import java.util.List;

/** INQUIRY (SPC-4, 6.6). */
final class InquiryCommands {
    /** Direct access block device, connected. */
    static final int DISK = 0x00;

    private static final int REMOVABLE = 0x80;
    private static final int SPC_4 = 0x06;
    private static final int HISUP_AND_FORMAT = 0x12;
    private static final int TPGS_BOTH = 0x30;
    private static final int THIRD_PARTY_COPY = 0x08;
    private static final int MULTIP = 0x10;
    private static final int CMDQUE = 0x02;
    private static final int[] VERSION_DESCRIPTORS = {0x00A0, 0x0460, 0x04C0};
    private static final int LENGTH = 96;

    private InquiryCommands() {}

    static List<Command> all() {
        return List.of(
                Command.of(
                        "12 01 FF FF FF 00",
                        Access.ALWAYS,
                        IGNORES_ATTENTION | ANY_STATE,
                        InquiryCommands::inquiry));
    }

    private static void inquiry(Slot slot) {
        byte[] cdb = slot.cdb();
        int allocation = Bytes.u16(cdb, 3);
        if ((cdb[1] & 1) == 0) {
            if (cdb[2] != 0) {
                slot.invalidField(2);
            } else {
                Reply data = standard(DISK);
                if (slot.nexus().mapping.removable()) {
                    data.patch8(1, REMOVABLE);
                }
                slot.reply(data, allocation);
            }
            return;
        }
        Reply page = new Reply();
        if (VpdPages.write(page, Bytes.u8(cdb, 2), slot)) {
            slot.reply(page, allocation);
        } else {
            slot.invalidField(2);
        }
    }

    /**
     * Standard INQUIRY data (SPC-4, 6.6.2).
     *
     * @param peripheral qualifier and device type
     */
    static Reply standard(int peripheral) {
        var reply = new Reply(LENGTH);
        reply.u8(peripheral).u8(0).u8(SPC_4).u8(HISUP_AND_FORMAT).u8(LENGTH - 5);
        reply.u8(TPGS_BOTH | THIRD_PARTY_COPY).u8(MULTIP).u8(CMDQUE);
        reply.text(UnitIdentity.VENDOR, 8).text(UnitIdentity.PRODUCT, 16);
        reply.text(UnitIdentity.REVISION, 4).zeroes(22);
        for (int descriptor : VERSION_DESCRIPTORS) {
            reply.u16(descriptor);
        }
        return reply.zeroes(LENGTH - reply.length());
    }
}
