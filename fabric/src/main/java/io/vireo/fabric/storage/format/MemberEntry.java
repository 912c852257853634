package io.vireo.fabric.storage.format;

import java.util.UUID;

/**
 * A member in the table of each superblock.
 *
 * @param uuid of the member
 * @param dataStart bytes before its first chunk
 * @param chunks that it has; 0: it has left the pool
 * @param highWater chunks from this number on were never used, and read as zeroes
 */
public record MemberEntry(UUID uuid, long dataStart, long chunks, long highWater) {
    /** Whether the member has left the pool; its number is not used again. */
    public boolean isRemoved() {
        return chunks == 0;
    }

    /** The same with another mark. */
    public MemberEntry with(long mark) {
        return new MemberEntry(uuid, dataStart, chunks, mark);
    }

    /** What is in the table after it has left. */
    public MemberEntry removed() {
        return new MemberEntry(new UUID(0, 0), dataStart, 0, 0);
    }
}
