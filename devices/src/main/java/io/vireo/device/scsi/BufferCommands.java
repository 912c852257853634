package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.NEEDS_NO_MEDIUM;

import java.util.Arrays;
import java.util.List;

/** READ BUFFER, WRITE BUFFER and diagnostics (SPC-4, 6.18, 6.49, 6.28, 6.42). */
final class BufferCommands {
    /** Bytes of the unit's buffer. */
    static final int BUFFER = 4096;

    private static final int MODE = 0x1F;
    private static final int DATA = 0x02;
    private static final int DESCRIPTOR = 0x03;
    private static final int ECHO = 0x0A;
    private static final int ECHO_DESCRIPTOR = 0x0B;
    private static final int SELF_TEST_CODE = 0xE0;

    private BufferCommands() {}

    static List<Command> all() {
        return List.of(
                Command.of(
                        "3C 1F FF FF FF FF FF FF FF 00",
                        Access.WRITE,
                        NEEDS_NO_MEDIUM,
                        BufferCommands::readBuffer),
                Command.of(
                        "3B 1F FF FF FF FF FF FF FF 00",
                        Access.WRITE,
                        NEEDS_NO_MEDIUM,
                        BufferCommands::writeBuffer),
                Command.of(
                        "1D FF 00 FF FF 00",
                        Access.WRITE,
                        NEEDS_NO_MEDIUM,
                        BufferCommands::sendDiagnostic),
                Command.of(
                        "1C 01 FF FF FF 00",
                        Access.WRITE,
                        NEEDS_NO_MEDIUM,
                        BufferCommands::receiveDiagnostic));
    }

    private static void readBuffer(Slot slot) {
        byte[] cdb = slot.cdb();
        int offset = Bytes.u24(cdb, 3);
        int allocation = Bytes.u24(cdb, 6);
        if (cdb[2] != 0) {
            slot.invalidField(2);
            return;
        }
        switch (cdb[1] & MODE) {
            case DATA -> {
                if (offset > BUFFER) {
                    slot.invalidField(3);
                } else {
                    byte[] all = slot.unit.buffer();
                    slot.reply(
                            new Reply().bytes(Arrays.copyOfRange(all, offset, BUFFER)), allocation);
                }
            }
            case ECHO -> slot.reply(new Reply().bytes(slot.unit.buffer()), allocation);
            case DESCRIPTOR -> slot.reply(new Reply().u8(0).u24(BUFFER), allocation);
            case ECHO_DESCRIPTOR -> slot.reply(new Reply().u16(0).u16(BUFFER), allocation);
            default -> slot.invalidField(1);
        }
    }

    private static void writeBuffer(Slot slot) {
        byte[] cdb = slot.cdb();
        int mode = cdb[1] & MODE;
        int offset = mode == ECHO ? 0 : Bytes.u24(cdb, 3);
        int length = Bytes.u24(cdb, 6);
        if (mode != DATA && mode != ECHO) {
            slot.invalidField(1);
        } else if (cdb[2] != 0) {
            slot.invalidField(2);
        } else if (offset > BUFFER) {
            slot.invalidField(3);
        } else if (length > BUFFER - offset) {
            slot.invalidField(6);
        } else {
            byte[] data = slot.parameters(length);
            if (data != null) {
                System.arraycopy(data, 0, slot.unit.buffer(), offset, length);
                slot.good();
            }
        }
    }

    private static void sendDiagnostic(Slot slot) {
        byte[] cdb = slot.cdb();
        if ((cdb[1] & SELF_TEST_CODE) != 0) {
            slot.invalidField(1);
        } else if (Bytes.u16(cdb, 3) != 0) {
            slot.invalidField(3);
        } else {
            // The default self-test: nothing of the unit can fail without an I/O that says so.
            slot.good();
        }
    }

    private static void receiveDiagnostic(Slot slot) {
        if (slot.cdb()[2] != 0) {
            slot.invalidField(2);
        } else {
            slot.reply(new Reply().u8(0).u8(0).u16(1).u8(0), Bytes.u16(slot.cdb(), 3));
        }
    }
}
