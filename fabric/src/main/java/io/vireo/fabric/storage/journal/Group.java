package io.vireo.fabric.storage.journal;

import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.UUID;

/**
 * A group of the journal: a header of 64 bytes, operations, zeroes up to the next block. It begins
 * at a block, so that writing it touches no block of another group.
 *
 * @param sequence its number; each group has that of the one before plus 1
 * @param ownerEpoch of who wrote it
 * @param durable groups up to this number were durable when this one was written
 * @param bytes of its operations
 * @param previousCrc checksum of the group before it
 * @param crc its own checksum
 */
public record Group(
        long sequence, long ownerEpoch, long durable, int bytes, int previousCrc, int crc) {
    /** Bytes in front of the operations. */
    public static final int HEADER = 64;

    /** Most bytes of operations. */
    public static final int MAX_BYTES = (1 << 20) - HEADER;

    private static final int MAGIC = 0x4A4C_5356; // "VSLJ"

    /** Bytes that a group with so many bytes of operations takes in the ring. */
    public static int stored(int bytes) {
        return (int) PoolFormat.alignUp(HEADER + bytes, PoolFormat.BLOCK);
    }

    /** Bytes of the longest group that a ring of so many bytes can hold. */
    public static int longest(long ringBytes) {
        return (int) Math.min(stored(MAX_BYTES), ringBytes);
    }

    /**
     * Writes header and checksum at the beginning of {@code memory}, whose operations are in place.
     *
     * @return the checksum
     */
    public static int seal(
            OwnMemory memory,
            UUID pool,
            long sequence,
            long ownerEpoch,
            long durable,
            int bytes,
            int previousCrc) {
        long at = memory.address();
        NativeMemory.fill(at + HEADER + bytes, stored(bytes) - HEADER - bytes, (byte) 0);
        NativeMemory.putInt(at, MAGIC);
        NativeMemory.putLong(at + 8, sequence);
        NativeMemory.putLong(at + 16, ownerEpoch);
        NativeMemory.putLong(at + 24, durable);
        NativeMemory.putInt(at + 32, bytes);
        NativeMemory.putInt(at + 36, previousCrc);
        NativeMemory.putLong(at + 40, pool.getMostSignificantBits());
        NativeMemory.putLong(at + 48, pool.getLeastSignificantBits());
        NativeMemory.putLong(at + 56, 0);
        int crc = memory.crc32c(8, HEADER + bytes - 8);
        NativeMemory.putInt(at + 4, crc);
        return crc;
    }

    /** Whether a sound group of the pool may begin at {@code at}, by its first bytes. */
    static boolean maybe(long at, UUID pool) {
        int bytes = NativeMemory.getInt(at + 32);
        return NativeMemory.getInt(at) == MAGIC
                && bytes >= 0
                && bytes <= MAX_BYTES
                && NativeMemory.getLong(at + 40) == pool.getMostSignificantBits()
                && NativeMemory.getLong(at + 48) == pool.getLeastSignificantBits();
    }

    /** The header at {@code at}, of which {@link #maybe} is true. */
    static Group header(long at) {
        return new Group(
                NativeMemory.getLong(at + 8),
                NativeMemory.getLong(at + 16),
                NativeMemory.getLong(at + 24),
                NativeMemory.getInt(at + 32),
                NativeMemory.getInt(at + 36),
                NativeMemory.getInt(at + 4));
    }
}
