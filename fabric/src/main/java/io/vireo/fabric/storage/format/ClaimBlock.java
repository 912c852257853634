package io.vireo.fabric.storage.format;

import io.vireo.memory.NativeMemory;
import io.vireo.memory.OwnMemory;
import java.util.Optional;
import java.util.UUID;

/**
 * What a host asks that wants to have a pool which another one has not closed, and what that one
 * answers if it is alive. Both have blocks of their own beside the first superblock of a member.
 *
 * @param answer whether it is an answer
 * @param pool that is asked for
 * @param claim drawn at random by who asks, and repeated by who answers
 * @param epoch of the owner that is asked
 * @param by who asks, or answers
 */
public record ClaimBlock(boolean answer, UUID pool, UUID claim, long epoch, PoolOwner by) {
    /** Byte of a member where it is asked. */
    public static final int CLAIM = PoolFormat.BLOCK;

    /** Byte of a member where it is answered. */
    public static final int ANSWER = 2 * PoolFormat.BLOCK;

    private static final int MAGIC = 0x4350_5356; // "VSPC"

    /** Writes it to the first block of {@code memory}. */
    public void encode(OwnMemory memory) {
        memory.fill(0, PoolFormat.BLOCK, (byte) 0);
        long at = memory.address();
        NativeMemory.putInt(at, MAGIC);
        NativeMemory.putInt(at + 8, answer ? 1 : 0);
        NativeMemory.putLong(at + 16, pool.getMostSignificantBits());
        NativeMemory.putLong(at + 24, pool.getLeastSignificantBits());
        NativeMemory.putLong(at + 32, claim.getMostSignificantBits());
        NativeMemory.putLong(at + 40, claim.getLeastSignificantBits());
        NativeMemory.putLong(at + 48, epoch);
        by.encode(memory, 56);
        NativeMemory.putInt(at + 4, memory.crc32c(8, PoolFormat.BLOCK - 8));
    }

    /** What is at {@code offset} of {@code memory}; empty: nothing, or it is damaged. */
    public static Optional<ClaimBlock> decode(OwnMemory memory, int offset) {
        long at = memory.address() + offset;
        if (NativeMemory.getInt(at) != MAGIC
                || NativeMemory.getInt(at + 4) != memory.crc32c(offset + 8, PoolFormat.BLOCK - 8)) {
            return Optional.empty();
        }
        return Optional.of(
                new ClaimBlock(
                        NativeMemory.getInt(at + 8) != 0,
                        new UUID(NativeMemory.getLong(at + 16), NativeMemory.getLong(at + 24)),
                        new UUID(NativeMemory.getLong(at + 32), NativeMemory.getLong(at + 40)),
                        NativeMemory.getLong(at + 48),
                        PoolOwner.decode(memory, offset + 56)));
    }
}
