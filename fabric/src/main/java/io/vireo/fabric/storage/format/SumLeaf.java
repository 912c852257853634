package io.vireo.fabric.storage.format;

/**
 * What a leaf of a map of checksums has: two checksums in each of {@value #SUM_WORDS} words, the
 * even block's in the lower half, then a bit for each block that is uncertain.
 *
 * <p>A checksum is stored as its difference (exclusive or) to that of zeroes. So what was never
 * written has 0, like a page that is not there.
 */
public final class SumLeaf {
    /** Blocks of a leaf. */
    public static final int BLOCKS = 896;

    /** Words with checksums. */
    public static final int SUM_WORDS = BLOCKS / 2;

    /** Words with marks. */
    public static final int MARK_WORDS = BLOCKS / 64;

    /** The CRC32C of a block of zeroes. */
    public static final int ZEROES = 0x98F9_4189;

    private SumLeaf() {}

    /**
     * Where a block's checksum is: the number of a word, with {@value PoolFormat#FANOUT} a leaf.
     */
    public static long word(long block) {
        return block / BLOCKS << PoolFormat.FANOUT_SHIFT | block % BLOCKS >>> 1;
    }

    /** Where a block's mark is. */
    public static long markWord(long block) {
        return block / BLOCKS << PoolFormat.FANOUT_SHIFT | SUM_WORDS + (block % BLOCKS >>> 6);
    }

    /** The bit of a block in its word of marks. */
    public static long markBit(long block) {
        return 1L << (block % BLOCKS & 63);
    }
}
