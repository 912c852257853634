package io.vireo.fabric.storage.pool;

/**
 * How far the draining of a member is.
 *
 * @param member its index
 * @param movedBytes that have left it
 * @param totalBytes that were on it in the beginning
 * @param bytesPerSecond what was moved per second so far; 0: not known yet
 * @param trouble what it waits for or why it was given up, and what to do; empty: nothing
 */
public record DrainStatus(
        State state,
        int member,
        long movedBytes,
        long totalBytes,
        long bytesPerSecond,
        String trouble) {
    /** What is done. */
    public enum State {
        /** Nothing, so far. */
        NONE,
        /** It waits for what was under way. */
        SETTLING,
        /** Chunks and metadata are moved. */
        MOVING,
        /** The member leaves the table. */
        REMOVING,
        /** The member does not belong to the pool any more. */
        DONE,
        /** It was cancelled or given up. */
        CANCELLED
    }

    /** Seconds until it ends at its present speed; -1: nobody knows. */
    public long secondsLeft() {
        return bytesPerSecond == 0 ? -1 : (totalBytes - movedBytes) / bytesPerSecond;
    }
}
