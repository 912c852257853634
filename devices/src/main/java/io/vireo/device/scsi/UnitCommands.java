package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.ANY_STATE;
import static io.vireo.device.scsi.Command.IGNORES_ATTENTION;
import static io.vireo.device.scsi.Command.NEEDS_NO_MEDIUM;
import static io.vireo.device.scsi.Command.REPEATABLE;

import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockOperation;
import io.vireo.scsi.ScsiStatus;
import java.util.Arrays;
import java.util.List;

/** Commands about the unit as a whole: its readiness, capacity, power, cache and medium. */
final class UnitCommands {
    private static final int LBPME = 0x80;
    private static final int LBPRZ = 0x40;
    private static final int START = 1;
    private static final int LOEJ = 2;
    private static final int POWER_CONDITION = 0xF0;
    private static final long FIXED_CAPACITY_LIMIT = 0xFFFF_FFFFL;

    private UnitCommands() {}

    static List<Command> all() {
        return List.of(
                Command.of("00 00 00 00 00 00", Access.STATUS, 0, Slot::good),
                Command.of(
                        "03 01 00 00 FF 00",
                        Access.ALWAYS,
                        IGNORES_ATTENTION | ANY_STATE,
                        UnitCommands::requestSense),
                Command.of(
                        "25 00 00 00 00 00 00 00 00 00",
                        Access.STATUS,
                        NEEDS_NO_MEDIUM,
                        UnitCommands::readCapacity10),
                Command.withAction(
                        "9E 10 00 00 00 00 00 00 00 00 FF FF FF FF 00 00",
                        Access.STATUS,
                        NEEDS_NO_MEDIUM,
                        UnitCommands::readCapacity16),
                Command.of("1B 01 00 FF F7 00", Access.STATUS, ANY_STATE, UnitCommands::startStop),
                Command.of(
                        "1E 00 00 00 03 00", Access.STATUS, ANY_STATE, UnitCommands::preventAllow),
                Command.of(
                        "35 06 FF FF FF FF 3F FF FF 00",
                        Access.WRITE,
                        REPEATABLE,
                        slot ->
                                synchronize(
                                        slot, Bytes.u32(slot.cdb(), 2), Bytes.u16(slot.cdb(), 7))),
                Command.of(
                        "91 06 FF FF FF FF FF FF FF FF FF FF FF FF 3F 00",
                        Access.WRITE,
                        REPEATABLE,
                        slot ->
                                synchronize(
                                        slot, Bytes.u64(slot.cdb(), 2), Bytes.u32(slot.cdb(), 10))),
                Command.of(
                        "37 00 1F 00 00 00 00 FF FF 00",
                        Access.READ,
                        0,
                        UnitCommands::readDefects10),
                Command.of(
                        "B7 1F FF FF FF FF FF FF FF FF 00 00",
                        Access.READ,
                        0,
                        UnitCommands::readDefects12));
    }

    private static void requestSense(Slot slot) {
        Attentions attentions = slot.nexus().attentions;
        UnitState condition = slot.unit.condition();
        boolean descriptor = (slot.cdb()[1] & 1) != 0;
        int code = condition.obstacle();
        int specific = condition.progress();
        if (code == Sense.NONE && !attentions.isEmpty()) {
            code = attentions.take();
        }
        slot.reply(senseData(descriptor, code, specific), Bytes.u8(slot.cdb(), 4));
    }

    /** Sense data as parameter data. */
    static Reply senseData(boolean descriptor, int code) {
        return senseData(descriptor, code, Sense.NO_SPECIFIC);
    }

    private static Reply senseData(boolean descriptor, int code, int specific) {
        byte[] sense = new byte[64];
        int length = Sense.write(sense, descriptor, code, Sense.information(code), specific);
        return new Reply().bytes(Arrays.copyOf(sense, length));
    }

    private static void readCapacity10(Slot slot) {
        long last = slot.unit.blocks() - 1;
        var reply = new Reply(8);
        reply.u32(Math.min(last, FIXED_CAPACITY_LIMIT)).u32(slot.unit.blockSize());
        slot.reply(reply, reply.length());
    }

    private static void readCapacity16(Slot slot) {
        BlockGeometry geometry = slot.unit.geometry();
        int perPhysical = geometry.toldPhysicalBlockSize() / geometry.logicalBlockSize();
        boolean thin = ProvisioningCommands.unmaps(slot.unit);
        boolean zeroes = slot.unit.can(BlockOperation.WRITE_ZEROES);
        var reply = new Reply(32);
        reply.u64(slot.unit.blocks() - 1)
                .u32(slot.unit.blockSize())
                .u8(0)
                .u8(Integer.numberOfTrailingZeros(perPhysical))
                .u16(((thin ? LBPME : 0) | (thin && zeroes ? LBPRZ : 0)) << 8)
                .zeroes(16);
        slot.reply(reply, Bytes.u32(slot.cdb(), 10));
    }

    private static void startStop(Slot slot) {
        byte[] cdb = slot.cdb();
        UnitState condition = slot.unit.condition();
        int power = cdb[4] & POWER_CONDITION;
        boolean start = (cdb[4] & START) != 0;
        if ((!start || power != 0) && keptOut(slot)) {
            return;
        }
        boolean loads = (cdb[4] & LOEJ) != 0;
        if (condition.isWiping() || condition.hasFailed()) {
            slot.fail(condition.obstacle(), Sense.NO_INFORMATION, condition.progress());
        } else if (power != 0 || (loads && !slot.nexus().mapping.removable())) {
            slot.invalidField(4);
        } else if (loads) {
            load(slot, start);
        } else if (condition.ejected()) {
            slot.fail(Sense.MEDIUM_NOT_PRESENT);
        } else {
            condition.stopped(!start);
            durable(slot, start);
        }
    }

    private static void durable(Slot slot, boolean already) {
        if (already) {
            slot.good();
        } else {
            slot.prepare(BlockOperation.FLUSH, 0, 0);
            slot.submit(null);
        }
    }

    /** Loads or ejects the medium, if no initiator prevents that. */
    private static void load(Slot slot, boolean start) {
        UnitState condition = slot.unit.condition();
        if (slot.unit.keepsMedium()) {
            slot.fail(Sense.MEDIUM_REMOVAL_PREVENTED);
            return;
        }
        boolean comes = start && condition.ejected();
        boolean goes = !start && !condition.ejected();
        condition.ejected(!start);
        condition.stopped(false);
        if (comes) {
            slot.unit.attentionToOthers(slot.nexus(), Sense.MEDIUM_MAY_HAVE_CHANGED);
        }
        durable(slot, !goes);
    }

    /**
     * SBC-3, table 13: some commands are allowed with some fields only; then the slot has ended.
     */
    private static boolean keptOut(Slot slot) {
        boolean conflict = slot.unit.reservations().conflicts(slot.nexus(), Access.WRITE);
        if (conflict) {
            slot.end(ScsiStatus.RESERVATION_CONFLICT);
        }
        return conflict;
    }

    private static void preventAllow(Slot slot) {
        if ((slot.cdb()[4] & 3) != 0 && keptOut(slot)) {
            return;
        }
        if ((slot.cdb()[4] & 2) != 0) {
            slot.invalidField(4);
            return;
        }
        slot.nexus().preventsRemoval = (slot.cdb()[4] & 1) != 0;
        slot.good();
    }

    /** SYNC_NV, of SBC-2, is taken: what a volatile cache holds always goes to the medium. */
    private static void synchronize(Slot slot, long lba, long blocks) {
        if (BlockCommands.outside(slot, lba, blocks)) {
            return;
        }
        slot.prepare(BlockOperation.FLUSH, 0, 0);
        slot.submit(null);
    }

    private static void readDefects10(Slot slot) {
        int asked = slot.cdb()[2] & 0x1F;
        slot.reply(new Reply().u8(0).u8(asked).u16(0), Bytes.u16(slot.cdb(), 7));
    }

    private static void readDefects12(Slot slot) {
        int asked = slot.cdb()[1] & 0x1F;
        slot.reply(new Reply().u8(0).u8(asked).u16(0).u32(0), Bytes.u32(slot.cdb(), 6));
    }

    /** PRE-FETCH and the like: in range or not, there is nothing to do. */
    static void rangeOnly(Slot slot, long lba, long blocks) {
        if (!BlockCommands.outside(slot, lba, blocks)) {
            slot.end(ScsiStatus.GOOD);
        }
    }
}
