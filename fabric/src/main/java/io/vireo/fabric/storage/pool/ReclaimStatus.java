package io.vireo.fabric.storage.pool;

/**
 * How far chunks that nobody uses any more are from being of use again: of deleted volumes and
 * snapshots, of discards, and, after an opening, of what the last process left.
 *
 * @param doneBytes that can be handed out again
 * @param totalBytes that there are, at most; 0: nothing is to be done
 * @param bytesPerSecond what was given back per second so far; 0: not known yet
 */
public record ReclaimStatus(long doneBytes, long totalBytes, long bytesPerSecond) {
    /** Nothing is to be done. */
    public static final ReclaimStatus NOTHING = new ReclaimStatus(0, 0, 0);
}
