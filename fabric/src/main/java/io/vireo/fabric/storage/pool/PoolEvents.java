package io.vireo.fabric.storage.pool;

/** Told of what an operator has to know. On the pool's reactor: must not block. */
public interface PoolEvents {
    /** Writes are held because there is no room. */
    default void full() {}

    /** There is room again, and nothing is held. */
    default void room() {}

    /** Something is wrong, and what to do, in one sentence. */
    default void trouble(String sentence) {}

    /** A disk of a mirror is lost or out of date, and what to do, in one sentence. */
    default void degraded(String sentence) {}

    /**
     * A block of a volume does not match its checksum and no copy of it does, or cannot be read, or
     * has copies that differ.
     *
     * @param offset in bytes
     */
    default void damaged(String volume, long offset, String sentence) {}

    /** The same, but it was written anew from another copy. */
    default void repaired(String volume, long offset, String sentence) {}

    /** A mirror has all its copies again. */
    default void redundant() {}
}
