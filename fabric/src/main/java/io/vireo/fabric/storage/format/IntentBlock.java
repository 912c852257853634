package io.vireo.fabric.storage.format;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;

/**
 * A block of a mirror's write-intent bitmap: eight sectors of 512 bytes, each with a checksum of
 * its own, so that a torn write of the block leaves whole sectors, old or new. A region whose bit
 * is not set is the same in all legs that are in sync.
 */
public final class IntentBlock {
    /** Regions that a sector has bits for. */
    public static final int SECTOR_REGIONS = 496 * 8;

    /** Regions that a block has bits for. */
    public static final int REGIONS = 8 * SECTOR_REGIONS;

    private static final int SECTOR = 512;
    private static final int HEADER = 16;

    private IntentBlock() {}

    /**
     * Writes block {@code number} to {@code memory} at {@code offset}.
     *
     * @param set whether a region's bit is set
     * @param regions how many there are
     */
    public static void encode(
            OwnMemory memory, int offset, int number, int regions, IntPredicate set) {
        memory.fill(offset, PoolFormat.BLOCK, (byte) 0);
        for (int sector = 0; sector < 8; sector++) {
            int at = offset + sector * SECTOR;
            int first = number * REGIONS + sector * SECTOR_REGIONS;
            NativeMemory.putInt(memory.address() + at + 4, number * 8 + sector);
            int end = Math.min(SECTOR_REGIONS, regions - first);
            for (int i = 0; i < end; i++) {
                if (set.test(first + i)) {
                    long bits = memory.address() + at + HEADER + (i >>> 3);
                    NativeMemory.putByte(bits, (byte) (NativeMemory.getByte(bits) | 1 << (i & 7)));
                }
            }
            NativeMemory.putInt(memory.address() + at, memory.crc32c(at + 4, SECTOR - 4));
        }
    }

    /** Tells of all regions whose bit is set, and of all of a sector that is damaged. */
    public static void decode(
            OwnMemory memory, int offset, int number, int regions, IntConsumer set) {
        for (int sector = 0; sector < 8; sector++) {
            int at = offset + sector * SECTOR;
            int first = number * REGIONS + sector * SECTOR_REGIONS;
            boolean sound =
                    NativeMemory.getInt(memory.address() + at) == memory.crc32c(at + 4, SECTOR - 4)
                            && NativeMemory.getInt(memory.address() + at + 4)
                                    == number * 8 + sector;
            int end = Math.min(SECTOR_REGIONS, regions - first);
            for (int i = 0; i < end; i++) {
                long bits = memory.address() + at + HEADER + (i >>> 3);
                if (!sound || (NativeMemory.getByte(bits) & 1 << (i & 7)) != 0) {
                    set.accept(first + i);
                }
            }
        }
    }
}
