package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.EXCLUSIVE;
import static io.vireo.device.scsi.Command.MODIFIES;
import static io.vireo.device.scsi.Command.NEEDS_WHOLE_BLOCKS;
import static io.vireo.device.scsi.Command.REPEATABLE;

import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.List;

/**
 * Commands that read and write in one go that no other command comes between: COMPARE AND WRITE,
 * ORWRITE; and WRITE ATOMIC, which is carried out whole or not at all.
 */
final class AtomicCommands {
    /**
     * Blocks of one COMPARE AND WRITE at most: what a crash leaves whole, wherever it begins. All
     * that use it to lock something take one.
     */
    static final int MAX_COMPARE = 1;

    private AtomicCommands() {}

    static List<Command> all() {
        return List.of(
                Command.of(
                        "89 18 FF FF FF FF FF FF FF FF 00 00 00 FF 3F 00",
                        Access.WRITE,
                        MODIFIES | EXCLUSIVE,
                        AtomicCommands::compareAndWrite),
                Command.of(
                        "8B 18 FF FF FF FF FF FF FF FF FF FF FF FF 3F 00",
                        Access.WRITE,
                        MODIFIES | EXCLUSIVE,
                        AtomicCommands::orWrite),
                Command.of(
                        "9C 18 FF FF FF FF FF FF FF FF FF FF FF FF 3F 00",
                        Access.WRITE,
                        MODIFIES | REPEATABLE | NEEDS_WHOLE_BLOCKS,
                        AtomicCommands::writeAtomic));
    }

    /**
     * Blocks of one WRITE ATOMIC at most, which have to begin at a multiple of so many: what the
     * disk keeps whole. 0: less than a block, and there is no such command.
     */
    static int maxAtomic(LogicalUnit unit) {
        BlockGeometry geometry = unit.geometry();
        return geometry.keepsBlocksWhole()
                ? geometry.toldPhysicalBlockSize() / geometry.logicalBlockSize()
                : 0;
    }

    private static void compareAndWrite(Slot slot) {
        long lba = BlockCommands.lba16(slot);
        int blocks = Bytes.u8(slot.cdb(), 13);
        long length = (long) blocks << slot.unit.blockShift();
        if (BlockCommands.outside(slot, lba, blocks)) {
            return;
        }
        slot.task().wanted(2 * length, 0);
        // The length of the Data-Out says where the second half begins: it has to be right.
        if (blocks > MAX_COMPARE || blocks == 0 && slot.task().dataOut().total() > 0) {
            // 256 blocks do not fit into the field.
            slot.invalidField(13);
        } else if (slot.task().dataOut().total() != 2 * length) {
            slot.fail(Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
        } else if (blocks == 0) {
            slot.good();
        } else {
            slot.position = lba << slot.unit.blockShift();
            slot.end = length;
            readInto(slot, slot.own((int) (3 * length)), AtomicCommands::compare);
        }
    }

    private static void readInto(Slot slot, OwnMemory own, Step then) {
        BlockRequest request = slot.prepare(BlockOperation.READ, slot.position, slot.end);
        request.data().add(own.address(), (int) slot.end);
        slot.submit(then);
    }

    private static void compare(Slot slot) {
        long length = slot.end;
        OwnMemory own = slot.own((int) (3 * length));
        long medium = own.address();
        long sent = medium + length;
        slot.gather(0, own, length, 2 * length);
        long difference = VerifyCommands.difference(medium, sent, length);
        if (difference >= 0) {
            slot.fail(Sense.MISCOMPARE, difference, Sense.NO_SPECIFIC);
            return;
        }
        writeOwn(slot, sent + length);
    }

    private static void writeOwn(Slot slot, long address) {
        BlockRequest request = slot.prepare(BlockOperation.WRITE, slot.position, slot.end);
        request.forceUnitAccess(BlockCommands.fua(slot) || slot.nexus().writesThrough());
        request.data().add(address, (int) slot.end);
        slot.submit(null);
    }

    private static void orWrite(Slot slot) {
        long lba = BlockCommands.lba16(slot);
        long blocks = BlockCommands.blocks16(slot);
        if (BlockCommands.refused(slot, lba, blocks, 10) || BlockCommands.tooShort(slot, blocks)) {
            return;
        }
        if (blocks == 0) {
            slot.good();
            return;
        }
        slot.position = lba << slot.unit.blockShift();
        slot.end = blocks << slot.unit.blockShift();
        readInto(slot, slot.own((int) (2 * slot.end)), AtomicCommands::or);
    }

    private static void or(Slot slot) {
        long length = slot.end;
        OwnMemory own = slot.own((int) (2 * length));
        long medium = own.address();
        long sent = medium + length;
        slot.gather(0, own, length, length);
        for (long i = 0; i < length; i += Long.BYTES) {
            NativeMemory.putLong(
                    medium + i, NativeMemory.getLong(medium + i) | NativeMemory.getLong(sent + i));
        }
        writeOwn(slot, medium);
    }

    private static void writeAtomic(Slot slot) {
        long lba = BlockCommands.lba16(slot);
        long blocks = Bytes.u16(slot.cdb(), 12);
        if (BlockCommands.outside(slot, lba, blocks)) {
            return;
        }
        if (Bytes.u16(slot.cdb(), 10) != 0) {
            slot.invalidField(10);
        } else if (blocks > maxAtomic(slot.unit)) {
            slot.invalidField(12);
        } else if (lba % maxAtomic(slot.unit) != 0) {
            slot.invalidField(2);
        } else if (!BlockCommands.tooShort(slot, blocks)) {
            if (blocks == 0) {
                slot.good();
                return;
            }
            slot.position = lba << slot.unit.blockShift();
            slot.end = blocks << slot.unit.blockShift();
            // In one piece: a disk may take what is scattered in several.
            OwnMemory own = slot.own((int) slot.end);
            slot.gather(0, own, 0, slot.end);
            writeOwn(slot, own.address());
        }
    }
}
