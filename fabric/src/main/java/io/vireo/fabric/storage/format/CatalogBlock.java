package io.vireo.fabric.storage.format;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;

/** A block of the catalog: up to 15 volumes, and where the next block is. */
public final class CatalogBlock {
    /** Volumes of one block. */
    public static final int RECORDS = 15;

    private static final int MAGIC = 0x4143_5356; // "VSCA"
    private static final int FIRST = PoolFormat.BLOCK - RECORDS * VolumeRecord.BYTES;

    private CatalogBlock() {}

    /** Address in memory of record {@code index} of the block at {@code block}. */
    public static long record(long block, int index) {
        return block + FIRST + (long) index * VolumeRecord.BYTES;
    }

    /** Writes header and checksum of a block whose records were put. */
    public static void seal(
            OwnMemory memory, int offset, int count, int number, long next, long generation) {
        long at = memory.address() + offset;
        NativeMemory.fill(at, FIRST, (byte) 0);
        NativeMemory.putInt(at, MAGIC);
        NativeMemory.putInt(at + 8, count);
        NativeMemory.putInt(at + 12, number);
        NativeMemory.putLong(at + 16, next);
        NativeMemory.putLong(at + 24, generation);
        NativeMemory.putInt(at + 4, memory.crc32c(offset + 8, PoolFormat.BLOCK - 8));
    }

    /**
     * Checks the first block of {@code memory}.
     *
     * @param number its number in the catalog
     * @return how many records it has
     * @throws FormatException if it is damaged or another one than was expected
     */
    public static int check(OwnMemory memory, int number) throws FormatException {
        long at = memory.address();
        int count = NativeMemory.getInt(at + 8);
        if (NativeMemory.getInt(at) != MAGIC
                || NativeMemory.getInt(at + 4) != memory.crc32c(8, PoolFormat.BLOCK - 8)) {
            throw new FormatException("block " + number + " of the catalog is damaged");
        }
        if (NativeMemory.getInt(at + 12) != number || count < 0 || count > RECORDS) {
            throw new FormatException("block " + number + " of the catalog is another one");
        }
        return count;
    }

    /** Address of the next block; meaningless in the last one. */
    public static long next(long block) {
        return NativeMemory.getLong(block + 16);
    }
}
