package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.NEEDS_NO_MEDIUM;

import io.vireo.block.BlockOperation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** MODE SENSE and MODE SELECT (SPC-4, 6.11 to 6.14). */
final class ModeCommands {
    private static final int WRITE_PROTECTED = 0x80;
    private static final int DPOFUA = 0x10;
    private static final int DBD = 0x08;
    private static final int LLBAA = 0x10;
    private static final int LONG_LBA = 0x01;
    private static final int PAGE_SAVEABLE = 0x80;
    private static final int PAGE_FORMAT = 0x10;

    private ModeCommands() {}

    static List<Command> all() {
        return List.of(
                Command.of(
                        "1A 08 FF FF FF 00",
                        Access.WRITE,
                        NEEDS_NO_MEDIUM,
                        slot -> sense(slot, false)),
                Command.of(
                        "5A 18 FF FF 00 00 00 FF FF 00",
                        Access.WRITE,
                        NEEDS_NO_MEDIUM,
                        slot -> sense(slot, true)),
                Command.of(
                        "15 11 00 00 FF 00",
                        Access.WRITE,
                        NEEDS_NO_MEDIUM,
                        slot -> select(slot, false)),
                Command.of(
                        "55 11 00 00 00 00 00 FF FF 00",
                        Access.WRITE,
                        NEEDS_NO_MEDIUM,
                        slot -> select(slot, true)));
    }

    private static void sense(Slot slot, boolean ten) {
        byte[] cdb = slot.cdb();
        var control = ModePages.Control.values()[cdb[2] >> 6 & 3];
        int subpage = Bytes.u8(cdb, 3);
        if (control == ModePages.Control.SAVED) {
            slot.fail(Sense.SAVING_PARAMETERS_NOT_SUPPORTED);
            return;
        }
        var reply = new Reply();
        boolean descriptor = (cdb[1] & DBD) == 0;
        boolean longLba = ten && (cdb[1] & LLBAA) != 0 && descriptor;
        int specific = (slot.unit.writeProtected(slot.nexus()) ? WRITE_PROTECTED : 0) | DPOFUA;
        int descriptorLength = descriptor ? longLba ? 16 : 8 : 0;
        if (ten) {
            reply.u16(0).u8(0).u8(specific).u8(longLba ? LONG_LBA : 0).u8(0).u16(descriptorLength);
        } else {
            reply.u8(0).u8(0).u8(specific).u8(descriptorLength);
        }
        if (descriptor) {
            blockDescriptor(reply, slot.unit, longLba);
        }
        if (!slot.unit.modes().write(reply, cdb[2] & 0x3F, subpage, control)) {
            slot.invalidField(subpage == 0 ? 2 : 3);
            return;
        }
        if (ten) {
            reply.patch16(0, reply.length() - 2);
        } else {
            reply.patch8(0, reply.length() - 1);
        }
        int allocation = ten ? Bytes.u16(cdb, 7) : Bytes.u8(cdb, 4);
        if (control == ModePages.Control.CURRENT && ModePages.hasCaching(cdb[2] & 0x3F, subpage)) {
            slot.nexus().toldCaching(allocation >= reply.length());
        }
        slot.reply(reply, allocation);
    }

    private static void blockDescriptor(Reply reply, LogicalUnit unit, boolean longLba) {
        if (longLba) {
            reply.u64(unit.blocks()).u32(0).u32(unit.blockSize());
        } else {
            reply.u32(Math.min(unit.blocks(), 0xFFFF_FFFFL)).u8(0).u24(unit.blockSize());
        }
    }

    private static void select(Slot slot, boolean ten) {
        byte[] cdb = slot.cdb();
        if ((cdb[1] & 1) != 0 || (cdb[1] & PAGE_FORMAT) == 0) {
            slot.invalidField(1);
            return;
        }
        int length = ten ? Bytes.u16(cdb, 7) : Bytes.u8(cdb, 4);
        byte[] list = slot.parameters(length);
        if (list == null) {
            return;
        }
        if (length == 0) {
            slot.good();
            return;
        }
        int header = ten ? 8 : 4;
        if (length < header) {
            slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
            return;
        }
        int descriptors = ten ? Bytes.u16(list, 6) : Bytes.u8(list, 3);
        boolean longLba = ten && (list[4] & LONG_LBA) != 0;
        if (checkHeader(slot, list, header, descriptors, longLba)) {
            take(slot, list, header + descriptors);
        }
    }

    private static boolean checkHeader(
            Slot slot, byte[] list, int header, int descriptors, boolean longLba) {
        int expected = longLba ? 16 : 8;
        if (descriptors != 0 && descriptors != expected) {
            slot.invalidParameter(header == 4 ? 3 : 6);
            return false;
        }
        if (header + descriptors > list.length) {
            slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
            return false;
        }
        if (descriptors == 0) {
            return true;
        }
        long blocks = longLba ? Bytes.u64(list, header) : Bytes.u32(list, header);
        long size = longLba ? Bytes.u32(list, header + 12) : Bytes.u24(list, header + 5);
        boolean all = blocks == 0 || blocks == slot.unit.blocks() || blocks == 0xFFFF_FFFFL;
        if (!all || size != slot.unit.blockSize()) {
            slot.invalidParameter(all ? header + 5 : header);
            return false;
        }
        return true;
    }

    /** Checks all pages, then takes them over. */
    private static void take(Slot slot, byte[] list, int from) {
        ModePages modes = slot.unit.modes();
        List<byte[]> pages = new ArrayList<>();
        int at = from;
        while (at < list.length) {
            int header = ModePages.header(list, at);
            if (list.length - at < header) {
                slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
                return;
            }
            Optional<byte[]> current =
                    modes.page(ModePages.number(list, at), ModePages.Control.CURRENT);
            if (current.isEmpty()) {
                slot.invalidParameter(at);
                return;
            }
            int length = current.get().length;
            int said = header == 2 ? Bytes.u8(list, at + 1) : Bytes.u16(list, at + 2);
            if (said != length - header) {
                slot.invalidParameter(at + header / 2);
                return;
            }
            if (length > list.length - at) {
                slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
                return;
            }
            byte[] page = Arrays.copyOfRange(list, at, at + length);
            page[0] &= ~PAGE_SAVEABLE;
            int wrong = fixedBitChanged(modes, page, current.get());
            if (wrong >= 0) {
                slot.invalidParameter(at + wrong);
                return;
            }
            pages.add(page);
            at += length;
        }
        apply(slot, pages);
    }

    private static int fixedBitChanged(ModePages modes, byte[] page, byte[] current) {
        byte[] changeable =
                modes.page(ModePages.number(page, 0), ModePages.Control.CHANGEABLE).orElseThrow();
        for (int i = ModePages.header(page, 0); i < page.length; i++) {
            if (((page[i] ^ current[i]) & ~changeable[i]) != 0) {
                return i;
            }
        }
        return -1;
    }

    private static void apply(Slot slot, List<byte[]> pages) {
        ModePages modes = slot.unit.modes();
        boolean cached = modes.writeCache();
        boolean changed = false;
        for (byte[] page : pages) {
            Optional<byte[]> current =
                    modes.page(ModePages.number(page, 0), ModePages.Control.CURRENT);
            changed |= !Arrays.equals(page, current.orElseThrow());
            modes.set(page);
        }
        if (changed) {
            slot.unit.attentionToOthers(slot.nexus(), Sense.MODE_PARAMETERS_CHANGED);
        }
        if (cached && !modes.writeCache()) {
            // What was written so far has to be durable, too.
            slot.prepare(BlockOperation.FLUSH, 0, 0);
            slot.submit(null);
        } else {
            slot.good();
        }
    }
}
