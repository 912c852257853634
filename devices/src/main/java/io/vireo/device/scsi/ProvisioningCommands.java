package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.MODIFIES;
import static io.vireo.device.scsi.Command.NEEDS_UNMAP;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.List;

/**
 * UNMAP, WRITE SAME and GET LBA STATUS (SBC-3, 5). No pool keeps room for blocks that are not
 * mapped, so that there is no anchored state (ANC_SUP 0): ANCHOR is no bit of these commands.
 */
final class ProvisioningCommands {
    /** Blocks of one UNMAP at most. */
    static final int MAX_UNMAP_BLOCKS = 1 << 20;

    /** Block descriptors of one UNMAP at most. */
    static final int MAX_UNMAP_DESCRIPTORS = 256;

    /** Blocks of one WRITE SAME at most. */
    static final int MAX_WRITE_SAME_BLOCKS = 1 << 23;

    /** Bytes of a repeated block that are written at a time, and those that there are in memory. */
    private static final int CHUNK = 1 << 20;

    private static final int PATTERN = 64 << 10;

    private static final int UNMAP = 0x08;
    private static final int NDOB = 0x01;
    private static final int HEADER = 8;
    private static final int DESCRIPTOR = 16;

    // GET LBA STATUS.
    private static final int MAPPED = 0;
    private static final int DEALLOCATED = 1;
    private static final long MAX_STATUS_BLOCKS = 0xFFFF_FFFFL;

    /**
     * How often one command asks the disk what is mapped, and descriptors of its answer at most.
     */
    private static final int MAX_LOOKS = 64;

    private ProvisioningCommands() {}

    static List<Command> all() {
        return List.of(
                Command.of(
                        "42 00 00 00 00 00 3F FF FF 00",
                        Access.WRITE,
                        MODIFIES | NEEDS_UNMAP,
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
                .forceUnitAccess(zeroes && slot.nexus().writesThrough());
        slot.position += length;
        slot.submit(ProvisioningCommands::nextRange);
    }

    /** Bytes of one request at most, whole blocks. */
    static long maxPiece(LogicalUnit unit) {
        long block = unit.blockSize();
        return Math.max(block, unit.geometry().maxDiscardBytes() / block * block);
    }

    /**
     * WRITE SAME of any length.
     *
     * @param asked blocks; 0: to the end of the medium (WSNZ 0)
     * @param field of the CDB that has the number of blocks
     */
    static void writeSame(Slot slot, long lba, long asked, int field) {
        byte flags = slot.cdb()[BlockCommands.flagsAt(slot)];
        // Of ten bytes it has none of that kind: the bit is obsolete there, and refused.
        boolean noData = (flags & NDOB) != 0;
        boolean unmap = (flags & UNMAP) != 0;
        int block = slot.unit.blockSize();
        if (BlockCommands.outside(slot, lba, asked)) {
            return;
        }
        long blocks = asked == 0 ? slot.unit.blocks() - lba : asked;
        slot.task().wanted(noData ? 0 : block, 0);
        if (blocks > MAX_WRITE_SAME_BLOCKS) {
            slot.invalidField(field);
        } else if (unmap && !unmaps(slot.unit)) {
            slot.invalidField(BlockCommands.flagsAt(slot));
        } else if (slot.task().dataOut().total() != (noData ? 0 : block)) {
            slot.fail(Sense.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
        } else if (blocks == 0) {
            // From just behind the last block to the end.
            slot.good();
        } else {
            slot.position = lba << slot.unit.blockShift();
            slot.end = lba + blocks << slot.unit.blockShift();
            slot.flag = unmap;
            if (noData && slot.unit.can(BlockOperation.WRITE_ZEROES)) {
                zeroes(slot);
            } else {
                int length = (int) Math.min(PATTERN, slot.end - slot.position);
                slot.withMemory(length, ProvisioningCommands::repeat);
            }
        }
    }

    private static void zeroes(Slot slot) {
        slot.numbers = new long[0];
        slot.index = 0;
        nextRange(slot);
    }

    private static boolean isZero(long address, int length) {
        for (int i = 0; i < length; i += Long.BYTES) {
            if (NativeMemory.getLong(address + i) != 0) {
                return false;
            }
        }
        return true;
    }

    private static void repeat(Slot slot) {
        int block = slot.unit.blockSize();
        OwnMemory own = slot.own(slot.kept);
        long address = own.address();
        if (slot.task().dataOut().total() > 0) {
            slot.gather(0, own, 0, block);
            if (isZero(address, block) && slot.unit.can(BlockOperation.WRITE_ZEROES)) {
                zeroes(slot);
                return;
            }
            for (int done = block; done < slot.kept; done *= 2) {
                NativeMemory.copy(address, address + done, Math.min(done, slot.kept - done));
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
        request.forceUnitAccess(slot.nexus().writesThrough());
        long address = slot.own(slot.kept).address();
        // The same memory again and again.
        for (int left = length; left > 0; left -= slot.kept) {
            request.data().add(address, Math.min(slot.kept, left));
        }
        slot.position += length;
        slot.submit(ProvisioningCommands::writeOn);
    }

    /** GET LBA STATUS (SBC-3, 5.4): blocks are mapped or deallocated, none is anchored. */
    private static void lbaStatus(Slot slot) {
        LogicalUnit unit = slot.unit;
        long lba = BlockCommands.lba16(slot);
        if (lba < 0 || lba >= unit.blocks()) {
            slot.fail(Sense.LBA_OUT_OF_RANGE);
            return;
        }
        long allocation = Bytes.u32(slot.cdb(), 10);
        long descriptors = Math.clamp((allocation - HEADER) / DESCRIPTOR, 1, MAX_LOOKS);
        var reply = new Reply(24);
        reply.u32(0).u32(0);
        describe(reply, unit, lba, (int) descriptors);
        reply.patch32(0, reply.length() - 4L);
        slot.reply(reply, allocation);
    }

    /** Appends LBA status descriptors; looks so often that no other command waits for long. */
    private static void describe(Reply reply, LogicalUnit unit, long from, int most) {
        int shift = unit.blockShift();
        long lba = from;
        int described = 0;
        long start = from;
        boolean before = false;
        for (int look = 0; look < MAX_LOOKS && lba < unit.blocks(); look++) {
            // A block that is mapped in part is mapped.
            long mapped = unit.io().mapped(lba << shift, unit.blocks() - lba << shift);
            boolean is = mapped > 0 || -mapped < unit.blockSize();
            if (lba > from && is != before) {
                if (described + 1 == most) {
                    break;
                }
                descriptor(reply, start, lba, before);
                described++;
                start = lba;
            }
            before = is;
            long room = start + MAX_STATUS_BLOCKS - lba;
            lba += Math.min(Math.max(Math.abs(mapped) >> shift, 1), room);
            if (lba - start == MAX_STATUS_BLOCKS) {
                break;
            }
        }
        descriptor(reply, start, lba, before);
    }

    private static void descriptor(Reply reply, long from, long end, boolean mapped) {
        reply.u64(from).u32(end - from).u8(mapped ? MAPPED : DEALLOCATED).u24(0);
    }
}
