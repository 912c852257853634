package io.vireo.systest.power;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * The writes of a run, which only its seed decides: both who writes and who checks know them. They
 * come in rounds; no two of a round are to the same block, and a round ends with a flush.
 *
 * @param seed of all runs on a disk
 * @param run number of the run, from 0
 */
record Writes(long seed, int run) {
    static final int BLOCK = 4096;
    static final int SECTOR = 512;

    /** Blocks of the disk. */
    static final int BLOCKS = 6144;

    /** Writes between two flushes. */
    static final int ROUND = 32;

    /** What zeroes are. */
    static final long ZEROES = 0;

    private static final int ZEROED = 12;
    private static final int RUN_SHIFT = 48;

    /**
     * A write.
     *
     * @param block that it goes to
     * @param tag of the data, or {@link #ZEROES}
     */
    record Write(int block, long tag) {}

    /** The writes of one round. */
    Write[] round(int number) {
        var random = new SplittableRandom(seed ^ (long) run << RUN_SHIFT ^ number * 0x9E3779B9L);
        var writes = new Write[ROUND];
        // Mostly in a part that moves: overwrites of what is fresh, shared by nobody yet.
        int base = random.nextInt(BLOCKS);
        for (int i = 0; i < ROUND; i++) {
            int block;
            do {
                int spread = random.nextInt(4) == 0 ? BLOCKS : 256;
                block = (base + random.nextInt(spread)) % BLOCKS;
            } while (contains(writes, i, block));
            long tag = (long) (run + 1) << RUN_SHIFT | (long) (number * ROUND + i);
            writes[i] = new Write(block, random.nextInt(ZEROED) == 0 ? ZEROES : tag);
        }
        return writes;
    }

    private static boolean contains(Write[] writes, int count, int block) {
        return Arrays.stream(writes, 0, count).anyMatch(write -> write.block == block);
    }

    /** What a sector of a block with a tag holds. */
    static byte[] sector(int block, int index, long tag) {
        var bytes = new byte[SECTOR];
        if (tag != ZEROES) {
            var random = new SplittableRandom(tag * 31 + (long) block * 8 + index);
            var buffer = java.nio.ByteBuffer.wrap(bytes);
            buffer.putLong(tag).putInt(block).putInt(index);
            while (buffer.hasRemaining()) {
                buffer.putLong(random.nextLong());
            }
        }
        return bytes;
    }
}
