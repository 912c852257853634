package io.vireo.fabric.storage.format;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;

/**
 * A page of a map on disk: one block with a header and 512 entries of 7 bytes. In memory the
 * entries have 8 bytes and fill a block alone; seven are enough and leave room for what makes a
 * page tell what it is.
 */
public final class MapPage {
    private static final int MAGIC = 0x504D_5356; // "VSMP"

    /** Of a page of checksums, which is a leaf. */
    private static final int SUMS_MAGIC = 0x5343_5356; // "VSCS"

    private static final int MARKS_AT = 64;
    private static final int ENTRIES = 512;
    private static final int ENTRY = 7;
    private static final long ENTRY_MASK = (1L << 56) - 1;

    private MapPage() {}

    /**
     * Writes header and checksum of a page whose entries were put.
     *
     * @param offset of the page in {@code memory}
     * @param level 0: a leaf
     * @param index of the page in its level
     */
    public static void seal(OwnMemory memory, int offset, int level, long index, long generation) {
        NativeMemory.fill(memory.address() + offset, ENTRIES, (byte) 0);
        seal(memory, offset, MAGIC, level, index, generation);
    }

    private static void seal(
            OwnMemory memory, int offset, int magic, int level, long index, long generation) {
        long at = memory.address() + offset;
        NativeMemory.putInt(at, magic);
        NativeMemory.putInt(at + 8, level);
        NativeMemory.putLong(at + 16, index);
        NativeMemory.putLong(at + 24, generation);
        NativeMemory.putInt(at + 4, memory.crc32c(offset + 8, PoolFormat.BLOCK - 8));
    }

    /**
     * Writes a page of checksums.
     *
     * @param source native address of {@link SumLeaf}'s words
     */
    public static void encodeSums(
            OwnMemory memory, int offset, long source, long index, long generation) {
        long at = memory.address() + offset;
        NativeMemory.fill(at, ENTRIES, (byte) 0);
        NativeMemory.copy(source, at + ENTRIES, SumLeaf.SUM_WORDS * 8L);
        NativeMemory.copy(source + SumLeaf.SUM_WORDS * 8L, at + MARKS_AT, SumLeaf.MARK_WORDS * 8L);
        seal(memory, offset, SUMS_MAGIC, 0, index, generation);
    }

    /**
     * Reads a page of checksums.
     *
     * @param target native address of {@link SumLeaf}'s words
     * @throws FormatException if it is damaged or another one than was expected
     */
    public static void decodeSums(OwnMemory memory, int offset, long target, long index)
            throws FormatException {
        check(memory, offset, SUMS_MAGIC, 0, index);
        long at = memory.address() + offset;
        NativeMemory.copy(at + ENTRIES, target, SumLeaf.SUM_WORDS * 8L);
        NativeMemory.copy(at + MARKS_AT, target + SumLeaf.SUM_WORDS * 8L, SumLeaf.MARK_WORDS * 8L);
    }

    /** Stores an entry of the page at {@code page}. Entries are put in ascending order. */
    public static void put(long page, int entry, long value) {
        long at = page + ENTRIES + (long) entry * ENTRY;
        NativeMemory.putInt(at, (int) value);
        NativeMemory.putShort(at + 4, (short) (value >>> 32));
        NativeMemory.putByte(at + 6, (byte) (value >>> 48));
    }

    /** An entry of the page at {@code page}. */
    public static long entry(long page, int entry) {
        // One byte more than the entry has, all within the block: entries begin at 512.
        return NativeMemory.getLong(page + ENTRIES + (long) entry * ENTRY - 1) >>> 8 & ENTRY_MASK;
    }

    /**
     * Checks a page.
     *
     * @throws FormatException if it is damaged or another one than was expected
     */
    public static void check(OwnMemory memory, int offset, int level, long index)
            throws FormatException {
        check(memory, offset, MAGIC, level, index);
    }

    private static void check(OwnMemory memory, int offset, int magic, int level, long index)
            throws FormatException {
        long at = memory.address() + offset;
        if (NativeMemory.getInt(at) != magic) {
            throw new FormatException(
                    magic == MAGIC ? "there is no map page" : "there is no page of checksums");
        }
        if (NativeMemory.getInt(at + 4) != memory.crc32c(offset + 8, PoolFormat.BLOCK - 8)) {
            throw new FormatException("the map page's checksum is wrong");
        }
        int foundLevel = NativeMemory.getInt(at + 8);
        long foundIndex = NativeMemory.getLong(at + 16);
        if (foundLevel != level || foundIndex != index) {
            throw new FormatException(
                    "map page %d of level %d is where page %d of level %d should be"
                            .formatted(foundIndex, foundLevel, index, level));
        }
    }
}
