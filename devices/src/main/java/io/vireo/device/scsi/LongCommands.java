package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.MODIFIES;
import static io.vireo.device.scsi.Command.REPEATABLE;

import java.util.List;

/**
 * Commands with CDBs of 32 bytes (SBC-4, 5): as those of 16, for initiators that know protection
 * information. There is none on the medium, so that a CDB may not ask for it to be checked, and the
 * tags that it expects are not looked at.
 */
final class LongCommands {
    private static final String REST =
            " FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF FF";
    private static final int LENGTH_FIELD = 28;

    private LongCommands() {}

    static List<Command> all() {
        return List.of(
                Command.withAction(
                        "7F 00 00 00 00 00 3F 18 00 09 18 00" + REST,
                        Access.READ,
                        REPEATABLE,
                        slot ->
                                BlockCommands.read(
                                        slot, lba(slot), blocks(slot), BlockCommands.fua(slot))),
                Command.withAction(
                        "7F 00 00 00 00 00 3F 18 00 0A 16 00" + REST,
                        Access.READ,
                        REPEATABLE,
                        slot -> VerifyCommands.verify(slot, lba(slot), blocks(slot), LENGTH_FIELD)),
                Command.withAction(
                        "7F 00 00 00 00 00 3F 18 00 0B 18 00" + REST,
                        Access.WRITE,
                        MODIFIES | REPEATABLE,
                        slot ->
                                BlockCommands.write(
                                        slot, lba(slot), blocks(slot), BlockCommands.fua(slot))),
                Command.withAction(
                        "7F 00 00 00 00 00 3F 18 00 0C 12 00" + REST,
                        Access.WRITE,
                        MODIFIES,
                        slot ->
                                VerifyCommands.writeAndVerify(
                                        slot, lba(slot), blocks(slot), LENGTH_FIELD)),
                Command.withAction(
                        "7F 00 00 00 00 00 3F 18 00 0D 09 00" + REST,
                        Access.WRITE,
                        MODIFIES,
                        slot ->
                                ProvisioningCommands.writeSame(
                                        slot, lba(slot), blocks(slot), LENGTH_FIELD)));
    }

    private static long lba(Slot slot) {
        return Bytes.u64(slot.cdb(), 12);
    }

    private static long blocks(Slot slot) {
        return Bytes.u32(slot.cdb(), LENGTH_FIELD);
    }
}
