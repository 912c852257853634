package io.vireo.testkit.crash;

import io.vireo.linux.ForeignMemory;

/**
 * What test writes put into each sector of 512 bytes: {seed, volume, sector number, version} and a
 * pattern of these over the rest. Version 0 is a sector of zeroes.
 */
final class Sectors {
    static final int SIZE = 512;

    /** Of a sector that is neither zero nor written by this run at this place. */
    static final long FOREIGN = -1;

    private static final long MIX = 0x9E3779B97F4A7C15L;

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

    /** The version that a sector holds, or {@link #FOREIGN}. */
    static long version(long address, long seed, long sector) {
        if (ForeignMemory.getLong(address) == 0) {
            return isZero(address) ? 0 : FOREIGN;
        }
        long volume = ForeignMemory.getLong(address + 8);
        long version = ForeignMemory.getLong(address + 24);
        if (ForeignMemory.getLong(address) != seed
                || ForeignMemory.getLong(address + 16) != sector
                || version <= 0) {
            return FOREIGN;
        }
        long pattern = pattern(seed, volume, sector, version);
        for (int i = 32; i < SIZE; i += 8) {
            if (ForeignMemory.getLong(address + i) != pattern + i) {
                return FOREIGN;
            }
        }
        return version;
    }

    /** What a sector looks like, for a message. */
    static String describe(long address) {
        return "{seed %d, volume %d, sector %d, version %d}"
                .formatted(
                        ForeignMemory.getLong(address),
                        ForeignMemory.getLong(address + 8),
                        ForeignMemory.getLong(address + 16),
                        ForeignMemory.getLong(address + 24));
    }

    private static boolean isZero(long address) {
        long any = 0;
        for (int i = 0; i < SIZE; i += 8) {
            any |= ForeignMemory.getLong(address + i);
        }
        return any == 0;
    }

    private static long pattern(long seed, long volume, long sector, long version) {
        return (seed ^ volume << 40 ^ sector << 20 ^ version) * MIX;
    }
}
