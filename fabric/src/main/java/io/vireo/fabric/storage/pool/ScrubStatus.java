package io.vireo.fabric.storage.pool;

/**
 * How far a scrub is, or the last one came.
 *
 * @param readBytes of the volumes that were looked at, each copy counted once
 * @param totalBytes that there were in the beginning
 * @param bytesPerSecond what was read per second so far; 0: not known yet
 * @param wrong blocks that cannot be read, or do not match and have no right copy
 * @param repaired blocks that were written anew from another copy
 * @param different blocks without checksums of which copies differ
 * @param finished when the last one that went to its end did so, in milliseconds since 1970; 0:
 *     none since the pool was opened
 * @param place where it is, and could go on
 */
public record ScrubStatus(
        State state,
        long readBytes,
        long totalBytes,
        long bytesPerSecond,
        long wrong,
        long repaired,
        long different,
        long finished,
        ScrubPlace place) {
    /** What is done. */
    public enum State {
        /** Nothing, so far. */
        NONE,
        /** Everything is read. */
        RUNNING,
        /** Everything was read. */
        DONE,
        /** It was cancelled. */
        CANCELLED
    }

    /** Seconds until it ends at its present speed; -1: nobody knows. */
    public long secondsLeft() {
        return bytesPerSecond == 0 ? -1 : Math.max(0, totalBytes - readBytes) / bytesPerSecond;
    }
}
