package io.vireo.fabric.storage.format;

/**
 * Where the journal's ring is.
 *
 * @param member that it is on
 * @param offset its first byte there
 */
public record JournalPlace(int member, long offset) {
    /** Where it is when a pool is made: behind the header of the first member. */
    public static final JournalPlace FIRST = new JournalPlace(0, PoolFormat.HEADER_BYTES);

    /** Whether it is in chunks, and not behind a header. */
    public boolean isInChunks() {
        return !equals(FIRST);
    }
}
