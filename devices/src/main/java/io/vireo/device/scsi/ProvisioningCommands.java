package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.MODIFIES;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.List;

/** UNMAP, WRITE SAME and GET LBA STATUS (SBC-3, 5). */
final class ProvisioningCommands {
    /** Blocks of one UNMAP at most. */
    static final int MAX_UNMAP_BLOCKS = 1 << 20;

    /** Block descriptors of one UNMAP at most. */
    static final int MAX_UNMAP_DESCRIPTORS = 256;

    /** Blocks of one WRITE SAME at most. */
    static final int MAX_WRITE_SAME_BLOCKS = 1 << 16;

    /** Bytes of a repeated block that are written at a time. */
    private static final int CHUNK = 1 << 20;

    private static final int UNMAP = 0x08;
    private static final int NDOB = 0x01;
    private static final int HEADER = 8;
    private static final int DESCRIPTOR = 16;

    private ProvisioningCommands() {}

    static List<Command> all() {
        return List.of(
                Command.of(
                        "42 00 00 00 00 00 3F FF FF 00",
                        Access.WRITE,
                        MODIFIES,
                        ProvisioningCommands::unmap),
                Command.of(
                        "41 08 FF FF FF FF 3F FF FF 00",
                        Access.WRITE,
                        MODIFIES,
                        slot ->
                                writeSame(
                                        slot,
                                        BlockCommands.lba10(slot),
                                        BlockCommands.blocks10(slot),
                                        7)),
                Command.of(
                        "93 09 FF FF FF FF FF FF FF FF FF FF FF FF 3F 00",
                        Access.WRITE,
                        MODIFIES,
                        slot ->
                                writeSame(
                                        slot,
                                        BlockCommands.lba16(slot),
                                        BlockCommands.blocks16(slot),
                                        10)),
                Command.withAction(
                        "9E 12 FF FF FF FF FF FF FF FF FF FF FF FF 00 00",
                        Access.READ,
                        0,
                        ProvisioningCommands::lbaStatus));
    }

    /** Whether blocks can be given back. */
    static boolean unmaps(LogicalUnit unit) {
        return unit.can(BlockOperation.WRITE_ZEROES) || unit.can(BlockOperation.DISCARD);
    }

    private static void unmap(Slot slot) {
        if (!unmaps(slot.unit)) {
            slot.fail(Sense.INVALID_OPERATION_CODE);
            return;
        }
        int length = Bytes.u16(slot.cdb(), 7);
        byte[] list = slot.parameters(length);
        if (list == null) {
            return;
        }
        if (length == 0) {
            slot.good();
        } else if (length < HEADER) {
            slot.fail(Sense.PARAMETER_LIST_LENGTH_ERROR);
        } else {
            int descriptors = Bytes.u16(list, 2);
            if (descriptors > length - HEADER) {
                slot.invalidParameter(2);
            } else {
                unmap(slot, list, descriptors / DESCRIPTOR);
            }
        }
    }

    private static void unmap(Slot slot, byte[] list, int count) {
        if (count > MAX_UNMAP_DESCRIPTORS) {
            slot.invalidParameter(2);
            return;
        }
        int shift = slot.unit.blockShift();
        long sum = 0;
        long[] ranges = new long[2 * count];
        for (int i = 0; i < count; i++) {
            int at = HEADER + i * DESCRIPTOR;
            long lba = Bytes.u64(list, at);
            long blocks = Bytes.u32(list, at + 8);
            sum += blocks;
            if (BlockCommands.outside(slot, lba, blocks)) {
                return;
            }
            ranges[2 * i] = lba << shift;
            ranges[2 * i + 1] = lba + blocks << shift;
        }
        if (sum > MAX_UNMAP_BLOCKS) {
            slot.invalidParameter(HEADER + 8);
            return;
        }
        slot.numbers = ranges;
        slot.index = -2;
        slot.position = 0;
        slot.end = 0;
        slot.flag = true;
        nextRange(slot);
    }

    /** The next piece of the range, or of the next one; {@code flag}: blocks may be given back. */
    private static void nextRange(Slot slot) {
        while (slot.position == slot.end) {
            slot.index += 2;
            if (slot.index >= slot.numbers.length) {
                slot.good();
                return;
            }
            slot.position = slot.numbers[slot.index];
            slot.end = slot.numbers[slot.index + 1];
        }
        boolean zeroes = slot.unit.can(BlockOperation.WRITE_ZEROES);
        long length = Math.min(slot.end - slot.position, maxPiece(slot.unit));
        slot.prepare(
                        zeroes ? BlockOperation.WRITE_ZEROES : BlockOperation.DISCARD,
                        slot.position,
                        length)
                .unmap(slot.flag && zeroes)
                .forceUnitAccess(zeroes && !slot.unit.modes().writeCache());
        slot.position += length;
        slot.submit(ProvisioningCommands::nextRange);
    }

    /** Bytes of one request at most, whole blocks. */
    static long maxPiece(LogicalUnit unit) {
        long block = unit.blockSize();
        return Math.max(block, unit.geometry().maxDiscardBytes() / block * block);
    }

    private static void writeSame(Slot slot, long lba, long blocks, int field) {
        boolean sixteen = field == 10;
        boolean noData = sixteen && (slot.cdb()[1] & NDOB) != 0;
        boolean unmap = (slot.cdb()[1] & UNMAP) != 0;
        int block = slot.unit.blockSize();
        if (BlockCommands.outside(slot, lba, blocks)) {
            return;
        }
        slot.task().wanted(noData ? 0 : block, 0);
        if (blocks == 0 || blocks > MAX_WRITE_SAME_BLOCKS) {
            slot.invalidField(field);
        } else if (unmap && !unmaps(slot.unit)) {
            slot.invalidField(1);
        } else if (slot.task().dataOut().total() != (noData ? 0 : block)) {
            slot.fail(Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
        } else {
            slot.position = lba << slot.unit.blockShift();
            slot.end = lba + blocks << slot.unit.blockShift();
            slot.flag = unmap;
            if (zero(slot, noData) && slot.unit.can(BlockOperation.WRITE_ZEROES)) {
                slot.numbers = new long[0];
                slot.index = 0;
                nextRange(slot);
            } else {
                repeat(slot, noData);
            }
        }
    }

    private static boolean zero(Slot slot, boolean noData) {
        if (noData) {
            return true;
        }
        int block = slot.unit.blockSize();
        long address = slot.own(block).address();
        slot.gather(0, address, block);
        for (int i = 0; i < block; i += Long.BYTES) {
            if (NativeMemory.getLong(address + i) != 0) {
                return false;
            }
        }
        return true;
    }

    private static void repeat(Slot slot, boolean noData) {
        int block = slot.unit.blockSize();
        int length = (int) Math.min(CHUNK, slot.end - slot.position);
        OwnMemory own = slot.own(length);
        if (!noData) {
            slot.gather(0, own.address(), block);
            for (int done = block; done < length; done *= 2) {
                NativeMemory.copy(
                        own.address(), own.address() + done, Math.min(done, length - done));
            }
        }
        writeOn(slot);
    }

    private static void writeOn(Slot slot) {
        if (slot.position == slot.end) {
            slot.good();
            return;
        }
        int length = (int) Math.min(CHUNK, slot.end - slot.position);
        BlockRequest request = slot.prepare(BlockOperation.WRITE, slot.position, length);
        request.forceUnitAccess(!slot.unit.modes().writeCache());
        request.data().add(slot.own(length).address(), length);
        slot.position += length;
        slot.submit(ProvisioningCommands::writeOn);
    }

    /** The device does not tell what is allocated: all blocks count as mapped. */
    private static void lbaStatus(Slot slot) {
        long lba = BlockCommands.lba16(slot);
        long blocks = slot.unit.blocks();
        if (lba < 0 || lba >= blocks) {
            slot.fail(Sense.LBA_OUT_OF_RANGE);
            return;
        }
        var reply = new Reply(24);
        reply.u32(20).u32(0).u64(lba).u32(Math.min(blocks - lba, 0xFFFF_FFFFL)).u32(0);
        slot.reply(reply, Bytes.u32(slot.cdb(), 10));
    }
}
