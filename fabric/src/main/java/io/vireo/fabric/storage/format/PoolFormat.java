package io.vireo.fabric.storage.format;

/** Numbers of the format that more than one structure needs. */
public final class PoolFormat {
    /** The version of a pool that has no {@link #FEATURES feature}. */
    public static final int VERSION = 1;

    /** The version of a pool that has features: whoever knows only version 1 refuses it. */
    public static final int VERSION_WITH_FEATURES = 2;

    /** Feature: volumes may have checksums. */
    public static final int CHECKSUMS = 1;

    /** Feature: the superblock says where the journal is. */
    public static final int JOURNAL_PLACE = 2;

    /** The features that are known here. */
    public static final int FEATURES = CHECKSUMS | JOURNAL_PLACE;

    /** Bytes of a block: what superblocks, map pages and journal records are made of. */
    public static final int BLOCK = 4096;

    public static final int BLOCK_SHIFT = 12;

    /** The two superblocks of a member, in bytes from its beginning. */
    public static final long[] SUPERBLOCKS = {0, 512 << 10};

    /** Where the header of a member ends; the journal begins here, on the first member. */
    public static final long HEADER_BYTES = 1 << 20;

    /** Members that a superblock has room for. */
    public static final int MAX_MEMBERS = 48;

    public static final int MIN_CHUNK_SHIFT = 14;
    public static final int MAX_CHUNK_SHIFT = 20;

    /** Bits of a chunk's number inside its member. */
    public static final int MEMBER_SHIFT = 32;

    /** Set in each entry that is not empty, of maps and of map pages on disk. */
    public static final long PRESENT = 1L << 48;

    /** What is left of a leaf's entry: member and chunk. */
    public static final long CHUNK_MASK = (1L << 40) - 1;

    /** Entries of a map page. */
    public static final int FANOUT = 512;

    public static final int FANOUT_SHIFT = 9;

    /** Longest name of a volume in bytes of UTF-8. */
    public static final int MAX_NAME = 128;

    private PoolFormat() {}

    /** The pool-wide number of a member's chunk. */
    public static long chunk(int member, long index) {
        return (long) member << MEMBER_SHIFT | index;
    }

    /** The member of a chunk. */
    public static int member(long chunk) {
        return (int) (chunk >>> MEMBER_SHIFT) & 0xFF;
    }

    /** The chunk's number inside its member. */
    public static long index(long chunk) {
        return chunk & 0xFFFF_FFFFL;
    }

    /** Address of a block inside a chunk: the chunk's number, and 8 bits of block above it. */
    public static long blockAddress(long chunk, int block) {
        return (long) block << 40 | chunk;
    }

    /** The chunk that a block's address is in. */
    public static long chunkOf(long blockAddress) {
        return blockAddress & CHUNK_MASK;
    }

    /** The number of the block inside its chunk. */
    public static int blockOf(long blockAddress) {
        return (int) (blockAddress >>> 40) & 0xFF;
    }

    /** Rounds up to a multiple of a power of two. */
    public static long alignUp(long value, long alignment) {
        return (value + alignment - 1) & -alignment;
    }
}
