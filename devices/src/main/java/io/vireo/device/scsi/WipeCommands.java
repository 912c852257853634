package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.ANY_STATE;
import static io.vireo.device.scsi.Command.EXCLUSIVE;
import static io.vireo.device.scsi.Command.MODIFIES;
import static io.vireo.device.scsi.Command.NEEDS_ZEROES;

import io.vireo.block.BlockOperation;
import java.util.Arrays;
import java.util.List;

/** SANITIZE and FORMAT UNIT (SBC-3, 5.26 and 5.3). */
final class WipeCommands {
    private static final int IMMEDIATE = 0x80;
    private static final int MAX_DESCRIPTOR = 4;
    private static final int INVERT = 0x80;
    private static final int COUNT = 0x1F;
    private static final int TEST = 0x60;
    private static final int FORMAT_DATA = 0x10;
    private static final int FORMAT_LONG_LIST = 0x20;
    private static final int FORMAT_IMMEDIATE = 0x02;
    private static final int INITIALIZATION_PATTERN = 0x08;
    private static final int TRAITS = MODIFIES | EXCLUSIVE | ANY_STATE;

    private WipeCommands() {}

    static List<Command> all() {
        return List.of(
                Command.withAction(
                        "48 A1 00 00 00 00 00 FF FF 00",
                        Access.WRITE,
                        TRAITS,
                        WipeCommands::overwrite),
                Command.withAction(
                        "48 A2 00 00 00 00 00 FF FF 00",
                        Access.WRITE,
                        TRAITS | NEEDS_ZEROES,
                        WipeCommands::blockErase),
                Command.withAction(
                        "48 BF 00 00 00 00 00 FF FF 00",
                        Access.WRITE,
                        EXCLUSIVE | ANY_STATE,
                        WipeCommands::exitFailureMode),
                Command.of("04 38 00 00 00 00", Access.WRITE, TRAITS, WipeCommands::format));
    }

    /** Whether a wipe is under way, or nothing is there to be wiped; then the slot has ended. */
    private static boolean underWay(Slot slot) {
        UnitState condition = slot.unit.condition();
        if (condition.isWiping() || condition.ejected()) {
            slot.fail(condition.obstacle(), Sense.NO_INFORMATION, condition.progress());
            return true;
        }
        return false;
    }

    private static void overwrite(Slot slot) {
        if (underWay(slot)) {
            return;
        }
        int length = Bytes.u16(slot.cdb(), 7);
        int block = slot.unit.blockSize();
        if (length <= MAX_DESCRIPTOR || length > block + MAX_DESCRIPTOR) {
            slot.invalidField(7);
            return;
        }
        byte[] list = slot.parameters(length);
        if (list == null) {
            return;
        }
        int passes = list[0] & COUNT;
        int pattern = Bytes.u16(list, 2);
        // SBC-3, 5.26.2: a wrong parameter list is a wrong CDB here.
        if (passes == 0 || (list[0] & TEST) != 0 || pattern != length - MAX_DESCRIPTOR) {
            slot.fail(Sense.INVALID_FIELD_IN_CDB);
            return;
        }
        byte[] fill = Arrays.copyOfRange(list, MAX_DESCRIPTOR, length);
        new Wipe(slot.unit, Wipe.Kind.SANITIZE, fill, passes, (list[0] & INVERT) != 0)
                .begin(slot, immediate(slot));
    }

    private static boolean immediate(Slot slot) {
        return (slot.cdb()[1] & IMMEDIATE) != 0;
    }

    private static void blockErase(Slot slot) {
        if (underWay(slot)) {
            return;
        }
        if (Bytes.u16(slot.cdb(), 7) != 0) {
            slot.invalidField(7);
        } else {
            new Wipe(slot.unit, Wipe.Kind.SANITIZE, new byte[0], 1, false)
                    .begin(slot, immediate(slot));
        }
    }

    private static void exitFailureMode(Slot slot) {
        if (underWay(slot)) {
            return;
        }
        if (Bytes.u16(slot.cdb(), 7) != 0) {
            slot.invalidField(7);
        } else {
            makeDo(slot);
        }
    }

    /** The medium is used as it is: what a SANITIZE has left of it, too. */
    private static void makeDo(Slot slot) {
        UnitState condition = slot.unit.condition();
        if (condition.obstacle() != Sense.SANITIZE_FAILED) {
            slot.good();
            return;
        }
        condition.forgetWipe(saved ->
                slot.unit
                        .owner()
                        .execute(() -> {
                            if (saved) {
                                condition.endWipe(true);
                                slot.good();
                            } else {
                                slot.fail(Sense.INTERNAL_TARGET_FAILURE);
                            }
                        }));
    }

    /** Whether a FORMAT UNIT cannot be carried out now, which mends a format that was cut off. */
    private static boolean isHindered(Slot slot) {
        UnitState condition = slot.unit.condition();
        int unavailable = slot.unit.portGroups().obstacle(slot.nexus().nexus.target());
        int obstacle = unavailable != Sense.NONE ? unavailable : condition.obstacle();
        if (obstacle == Sense.NONE || obstacle == Sense.MEDIUM_FORMAT_CORRUPTED) {
            return false;
        }
        slot.fail(obstacle, Sense.NO_INFORMATION, condition.progress());
        return true;
    }

    private static void format(Slot slot) {
        if (isHindered(slot)) {
            return;
        }
        boolean immediate = false;
        if ((slot.cdb()[1] & FORMAT_DATA) != 0) {
            boolean longList = (slot.cdb()[1] & FORMAT_LONG_LIST) != 0;
            byte[] list = slot.parameters(longList ? 8 : 4);
            if (list == null) {
                return;
            }
            immediate = (list[1] & FORMAT_IMMEDIATE) != 0;
            boolean defects = longList ? Bytes.u32(list, 4) != 0 : Bytes.u16(list, 2) != 0;
            if (list[0] != 0 || (list[1] & INITIALIZATION_PATTERN) != 0) {
                slot.invalidParameter(list[0] != 0 ? 0 : 1);
                return;
            }
            if (defects) {
                slot.invalidParameter(longList ? 4 : 2);
                return;
            }
        }
        boolean zeroes = slot.unit.can(BlockOperation.WRITE_ZEROES);
        byte[] fill = zeroes ? new byte[0] : new byte[1];
        new Wipe(slot.unit, Wipe.Kind.FORMAT, fill, 1, false).begin(slot, immediate);
    }
}
