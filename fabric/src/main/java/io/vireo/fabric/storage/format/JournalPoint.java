package io.vireo.fabric.storage.format;

/**
 * A place between two groups of the journal.
 *
 * @param position bytes ever written before it; modulo the ring's length, where it is in the ring
 * @param sequence of the group that follows
 * @param previousCrc CRC of the group before it
 */
public record JournalPoint(long position, long sequence, int previousCrc) {
    /** Where a new journal begins. */
    public static final JournalPoint START = new JournalPoint(0, 1, 0);
}
