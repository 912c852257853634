package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.MODIFIES;
import static io.vireo.device.scsi.Command.REPEATABLE;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.memory.ScatterGatherList;
import io.vireo.scsi.ScsiTask;
import java.util.List;

/** The READ and WRITE families (SBC-3, 5). A READ or WRITE allocates nothing. */
final class BlockCommands {
    private static final int FUA = 0x08;
    private static final int READ_6_ZERO_BLOCKS = 256;

    private BlockCommands() {}

    static List<Command> all() {
        return List.of(
                Command.of(
                        "08 1F FF FF FF 00",
                        Access.READ,
                        REPEATABLE,
                        slot -> read(slot, lba6(slot), blocks6(slot), false)),
                Command.of(
                        "28 18 FF FF FF FF 3F FF FF 00",
                        Access.READ,
                        REPEATABLE,
                        slot -> read(slot, lba10(slot), blocks10(slot), fua(slot))),
                Command.of(
                        "A8 18 FF FF FF FF FF FF FF FF 3F 00",
                        Access.READ,
                        REPEATABLE,
                        slot -> read(slot, lba10(slot), blocks12(slot), fua(slot))),
                Command.of(
                        "88 18 FF FF FF FF FF FF FF FF FF FF FF FF 3F 00",
                        Access.READ,
                        REPEATABLE,
                        slot -> read(slot, lba16(slot), blocks16(slot), fua(slot))),
                Command.of(
                        "0A 1F FF FF FF 00",
                        Access.WRITE,
                        MODIFIES | REPEATABLE,
                        slot -> write(slot, lba6(slot), blocks6(slot), false)),
                Command.of(
                        "2A 18 FF FF FF FF 3F FF FF 00",
                        Access.WRITE,
                        MODIFIES | REPEATABLE,
                        slot -> write(slot, lba10(slot), blocks10(slot), fua(slot))),
                Command.of(
                        "AA 18 FF FF FF FF FF FF FF FF 3F 00",
                        Access.WRITE,
                        MODIFIES | REPEATABLE,
                        slot -> write(slot, lba10(slot), blocks12(slot), fua(slot))),
                Command.of(
                        "8A 18 FF FF FF FF FF FF FF FF FF FF FF FF 3F 00",
                        Access.WRITE,
                        MODIFIES | REPEATABLE,
                        slot -> write(slot, lba16(slot), blocks16(slot), fua(slot))),
                Command.of(
                        "34 02 FF FF FF FF 3F FF FF 00",
                        Access.READ,
                        0,
                        slot -> UnitCommands.rangeOnly(slot, lba10(slot), blocks10(slot))),
                Command.of(
                        "90 02 FF FF FF FF FF FF FF FF FF FF FF FF 3F 00",
                        Access.READ,
                        0,
                        slot -> UnitCommands.rangeOnly(slot, lba16(slot), blocks16(slot))));
    }

    static long lba6(Slot slot) {
        return Bytes.u24(slot.cdb(), 1) & 0x1F_FFFF;
    }

    static int blocks6(Slot slot) {
        int blocks = Bytes.u8(slot.cdb(), 4);
        return blocks == 0 ? READ_6_ZERO_BLOCKS : blocks;
    }

    static long lba10(Slot slot) {
        return Bytes.u32(slot.cdb(), 2);
    }

    static long blocks10(Slot slot) {
        return Bytes.u16(slot.cdb(), 7);
    }

    static long blocks12(Slot slot) {
        return Bytes.u32(slot.cdb(), 6);
    }

    static long lba16(Slot slot) {
        return Bytes.u64(slot.cdb(), 2);
    }

    static long blocks16(Slot slot) {
        return Bytes.u32(slot.cdb(), 10);
    }

    static boolean fua(Slot slot) {
        return (slot.cdb()[flagsAt(slot)] & FUA) != 0;
    }

    /** The byte of the CDB that has DPO, FUA and what else a command wants to be told. */
    static int flagsAt(Slot slot) {
        return Bytes.u8(slot.cdb(), 0) == Command.VARIABLE_LENGTH ? 10 : 1;
    }

    /**
     * Whether a range leaves the medium; then the slot has ended.
     *
     * @param lba as an unsigned number
     */
    static boolean outside(Slot slot, long lba, long blocks) {
        long capacity = slot.unit.blocks();
        if (lba < 0 || lba > capacity - blocks) {
            slot.fail(Sense.LBA_OUT_OF_RANGE);
            return true;
        }
        return false;
    }

    /**
     * Whether a transfer is too long or leaves the medium; then the slot has ended.
     *
     * @param field of the CDB that has the transfer length
     */
    static boolean refused(Slot slot, long lba, long blocks, int field) {
        if (outside(slot, lba, blocks)) {
            return true;
        }
        if (blocks << slot.unit.blockShift() > LogicalUnit.MAX_TRANSFER) {
            slot.invalidField(field);
            return true;
        }
        return false;
    }

    /** Where the transfer length of a CDB of this length begins. */
    private static int lengthField(Slot slot) {
        return switch (slot.cdb()[0] >> 5 & 7) {
            case 0 -> 4;
            case 1 -> 7;
            case 3 -> 28;
            case 5 -> 6;
            default -> 10;
        };
    }

    /** READ of any length. */
    static void read(Slot slot, long lba, long blocks, boolean fua) {
        if (refused(slot, lba, blocks, lengthField(slot))) {
            return;
        }
        ScsiTask task = slot.task();
        long length = blocks << slot.unit.blockShift();
        task.wanted(0, length);
        slot.position = lba << slot.unit.blockShift();
        slot.end = length;
        if (length == 0 || task.dataIn().total() == 0) {
            slot.good();
        } else if (fua) {
            // What a volatile cache holds goes to the medium first (SBC-3, 5.8).
            slot.prepare(BlockOperation.FLUSH, 0, 0);
            slot.submit(BlockCommands::transferIn);
        } else {
            transferIn(slot);
        }
    }

    private static void transferIn(Slot slot) {
        long room = slot.task().dataIn().total();
        if (room < slot.end) {
            transferInPart(slot, room);
            return;
        }
        BlockRequest request = slot.prepare(BlockOperation.READ, slot.position, slot.end);
        place(request, slot.task().dataIn());
        slot.submit(null);
    }

    /** The initiator has room for less, maybe not even whole blocks. */
    private static void transferInPart(Slot slot, long room) {
        long blockMask = slot.unit.blockSize() - 1L;
        slot.withMemory((int) (room + blockMask & ~blockMask), BlockCommands::readPart);
    }

    private static void readPart(Slot slot) {
        BlockRequest request = slot.prepare(BlockOperation.READ, slot.position, slot.kept);
        request.data().add(slot.own(slot.kept).address(), slot.kept);
        slot.submit(BlockCommands::handIn);
    }

    private static void handIn(Slot slot) {
        slot.scatter(slot.own(slot.kept).address(), slot.kept);
        slot.good();
    }

    /** WRITE of any length. */
    static void write(Slot slot, long lba, long blocks, boolean fua) {
        if (refused(slot, lba, blocks, lengthField(slot))) {
            return;
        }
        long length = present(slot, blocks) << slot.unit.blockShift();
        if (length < 0) {
            return;
        }
        if (length == 0) {
            slot.good();
            return;
        }
        out(slot, lba << slot.unit.blockShift(), length, fua);
        slot.submit(null);
    }

    /** Prepares the write of the first {@code length} bytes of the Data-Out. */
    static void out(Slot slot, long offset, long length, boolean fua) {
        BlockRequest request = slot.prepare(BlockOperation.WRITE, offset, length);
        request.forceUnitAccess(fua || slot.nexus().writesThrough());
        place(request, slot.task().dataOut());
    }

    /** The bytes of a request are the first ones that the initiator has. */
    private static void place(BlockRequest request, ScatterGatherList list) {
        if (list.total() == request.length()) {
            request.data(list);
        } else {
            request.data().addSlice(list, 0, request.length());
        }
    }

    /**
     * How many of the blocks that the CDB says are to be written: as many as the initiator sends.
     * That there should have been more is a residual (SAM-5, 5.4.4); a part of a block is an error.
     *
     * @return -1 if the slot has ended
     */
    static long present(Slot slot, long blocks) {
        long sent = slot.task().dataOut().total();
        int shift = slot.unit.blockShift();
        slot.task().wanted(blocks << shift, 0);
        if (sent >= blocks << shift) {
            return blocks;
        }
        if ((sent & slot.unit.blockSize() - 1L) != 0) {
            slot.fail(Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
            return -1;
        }
        return sent >> shift;
    }

    /**
     * Whether the initiator sends less than the CDB says: then nothing is written, and the slot has
     * ended.
     */
    static boolean tooShort(Slot slot, long blocks) {
        long length = blocks << slot.unit.blockShift();
        slot.task().wanted(length, 0);
        if (slot.task().dataOut().total() < length) {
            slot.fail(Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
            return true;
        }
        return false;
    }
}
