package io.vireo.device.scsi;

import static io.vireo.device.scsi.Command.MODIFIES;
import static io.vireo.device.scsi.Command.REPEATABLE;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.List;

/** VERIFY and WRITE AND VERIFY (SBC-3, 5.29 to 5.40). */
final class VerifyCommands {
    /** Bytes that are read at a time. */
    private static final int CHUNK = 256 << 10;

    private static final int BYTCHK = 0x06;
    private static final int READABLE = 0;
    private static final int COMPARE = 1;
    private static final int COMPARE_ONE_BLOCK = 3;

    private VerifyCommands() {}

    static List<Command> all() {
        return List.of(
                Command.of(
                        "2F 16 FF FF FF FF 3F FF FF 00",
                        Access.READ,
                        REPEATABLE,
                        slot ->
                                verify(
                                        slot,
                                        BlockCommands.lba10(slot),
                                        BlockCommands.blocks10(slot),
                                        7)),
                Command.of(
                        "AF 16 FF FF FF FF FF FF FF FF 3F 00",
                        Access.READ,
                        REPEATABLE,
                        slot ->
                                verify(
                                        slot,
                                        BlockCommands.lba10(slot),
                                        BlockCommands.blocks12(slot),
                                        6)),
                Command.of(
                        "8F 16 FF FF FF FF FF FF FF FF FF FF FF FF 3F 00",
                        Access.READ,
                        REPEATABLE,
                        slot ->
                                verify(
                                        slot,
                                        BlockCommands.lba16(slot),
                                        BlockCommands.blocks16(slot),
                                        10)),
                Command.of(
                        "2E 12 FF FF FF FF 3F FF FF 00",
                        Access.WRITE,
                        MODIFIES,
                        slot ->
                                writeAndVerify(
                                        slot,
                                        BlockCommands.lba10(slot),
                                        BlockCommands.blocks10(slot),
                                        7)),
                Command.of(
                        "AE 12 FF FF FF FF FF FF FF FF 3F 00",
                        Access.WRITE,
                        MODIFIES,
                        slot ->
                                writeAndVerify(
                                        slot,
                                        BlockCommands.lba10(slot),
                                        BlockCommands.blocks12(slot),
                                        6)),
                Command.of(
                        "8E 12 FF FF FF FF FF FF FF FF FF FF FF FF 3F 00",
                        Access.WRITE,
                        MODIFIES,
                        slot ->
                                writeAndVerify(
                                        slot,
                                        BlockCommands.lba16(slot),
                                        BlockCommands.blocks16(slot),
                                        10)));
    }

    private static int byteCheck(Slot slot) {
        return (slot.cdb()[BlockCommands.flagsAt(slot)] & BYTCHK) >> 1;
    }

    /**
     * VERIFY of any length.
     *
     * @param field of the CDB that has the verification length
     */
    static void verify(Slot slot, long lba, long blocks, int field) {
        int check = byteCheck(slot);
        if (check == 2) {
            slot.invalidField(BlockCommands.flagsAt(slot));
            return;
        }
        if (check == READABLE
                ? BlockCommands.outside(slot, lba, blocks)
                : BlockCommands.refused(slot, lba, blocks, field)) {
            return;
        }
        if (check != READABLE
                && BlockCommands.tooShort(slot, check == COMPARE ? blocks : Math.min(blocks, 1))) {
            return;
        }
        begin(slot, lba, blocks);
    }

    /** WRITE AND VERIFY of any length, as {@link #verify}. */
    static void writeAndVerify(Slot slot, long lba, long blocks, int field) {
        if (byteCheck(slot) > COMPARE) {
            slot.invalidField(BlockCommands.flagsAt(slot));
            return;
        }
        if (BlockCommands.refused(slot, lba, blocks, field)) {
            return;
        }
        long present = BlockCommands.present(slot, blocks);
        if (present < 0) {
            return;
        }
        if (present == 0) {
            slot.good();
            return;
        }
        int shift = slot.unit.blockShift();
        BlockCommands.out(slot, lba << shift, present << shift, true);
        slot.numbers = new long[] {lba, present};
        slot.submit(then -> begin(then, then.numbers[0], then.numbers[1]));
    }

    private static void begin(Slot slot, long lba, long blocks) {
        int shift = slot.unit.blockShift();
        slot.numbers = new long[] {lba << shift};
        slot.position = lba << shift;
        slot.end = lba + blocks << shift;
        if (blocks == 0) {
            slot.good();
            return;
        }
        int length = (int) Math.min(CHUNK, slot.end - slot.position);
        // The second half is for what the initiator sent: compared where it cannot change.
        slot.withMemory(byteCheck(slot) == READABLE ? length : 2 * length, VerifyCommands::readOn);
    }

    private static void readOn(Slot slot) {
        if (slot.position == slot.end) {
            slot.good();
            return;
        }
        int length = (int) Math.min(CHUNK, slot.end - slot.position);
        BlockRequest request = slot.prepare(BlockOperation.READ, slot.position, length);
        request.data().add(slot.own(slot.kept).address(), length);
        slot.submit(VerifyCommands::compare);
    }

    private static void compare(Slot slot) {
        int length = (int) slot.request.length();
        long done = slot.position - slot.numbers[0];
        OwnMemory own = slot.own(slot.kept);
        long medium = own.address();
        long difference =
                switch (byteCheck(slot)) {
                    case COMPARE -> {
                        slot.gather(done, own, length, length);
                        yield difference(medium, medium + length, length);
                    }
                    case COMPARE_ONE_BLOCK -> oneBlock(slot, own, length);
                    default -> -1;
                };
        if (difference >= 0) {
            slot.fail(Sense.MISCOMPARE, done + difference, Sense.NO_SPECIFIC);
            return;
        }
        slot.position += length;
        readOn(slot);
    }

    private static long oneBlock(Slot slot, OwnMemory own, int length) {
        int block = slot.unit.blockSize();
        slot.gather(0, own, length, block);
        long medium = own.address();
        for (int at = 0; at < length; at += block) {
            long difference = difference(medium + at, medium + length, block);
            if (difference >= 0) {
                return at + difference;
            }
        }
        return -1;
    }

    /**
     * Where two memories of ours differ first; -1 if they do not.
     *
     * @param length a multiple of 8
     */
    static long difference(long a, long b, long length) {
        for (long i = 0; i < length; i += Long.BYTES) {
            long bits = NativeMemory.getLong(a + i) ^ NativeMemory.getLong(b + i);
            if (bits != 0) {
                // Numbers are little-endian on the machines that we run on.
                return i + Long.numberOfTrailingZeros(bits) / Byte.SIZE;
            }
        }
        return -1;
    }
}
