package io.vireo.testkit.crash;

import io.vireo.linux.ForeignMemory;
import java.util.stream.LongStream;

/**
 * What test writes put into each sector of 512 bytes: {seed, volume, sector number, version} and a
 * pattern of these over the rest. Version 0 is a sector of zeroes.
 */
final class Sectors {
    static final int SIZE = 512;

    /** Of a sector that is neither zero nor written by this run at this place. */
    static final long FOREIGN = -1;

    /** Longs of a sector. */
    static final int WORDS = SIZE / Long.BYTES;

    private static final long MIX = 0x9E3779B97F4A7C15L;

    /** What is added to the pattern in each long of a sector. */
    private static final long[] STEPS =
            LongStream.range(0, WORDS).map(word -> word * Long.BYTES).toArray();

    private Sectors() {}

    /** Fills a sector. */
    static void fill(long address, long seed, long volume, long sector, long version) {
        ForeignMemory.putLong(address, seed);
        ForeignMemory.putLong(address + 8, volume);
        ForeignMemory.putLong(address + 16, sector);
        ForeignMemory.putLong(address + 24, version);
        long pattern = pattern(seed, volume, sector, version);
        for (int i = 32; i < SIZE; i += 8) {
            ForeignMemory.putLong(address + i, pattern + i);
        }
    }

    /** Fills sectors that follow each other. */
    static void fill(long address, int count, long seed, long volume, long first, long version) {
        for (int i = 0; i < count; i++) {
            fill(address + (long) i * SIZE, seed, volume, first + i, version);
        }
    }

    /** The version that the sector at a place in an array holds, or {@link #FOREIGN}. */
    static long version(long[] words, int at, long seed, long sector) {
        if (words[at] == 0) {
            return isZero(words, at) ? 0 : FOREIGN;
        }
        long version = words[at + 3];
        if (words[at] != seed || words[at + 2] != sector || version <= 0) {
            return FOREIGN;
        }
        long pattern = pattern(seed, words[at + 1], sector, version);
        // Without branches: there are thousands of sectors in each crash image.
        long difference = 0;
        for (int i = 4; i < WORDS; i++) {
            difference |= words[at + i] - STEPS[i] ^ pattern;
        }
        return difference == 0 ? version : FOREIGN;
    }

    private static boolean isZero(long[] words, int at) {
        long any = 0;
        for (int i = 0; i < WORDS; i++) {
            any |= words[at + i];
        }
        return any == 0;
    }

    private static long pattern(long seed, long volume, long sector, long version) {
        return (seed ^ volume << 40 ^ sector << 20 ^ version) * MIX;
    }
}
