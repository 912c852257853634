package io.vireo.fabric.storage.pool;

/**
 * What to make a copy of.
 *
 * @param source name of a volume or snapshot
 * @param name of the copy
 * @param readOnly whether it is a snapshot; else a clone, a volume like any other
 */
public record CopyOf(String source, String name, boolean readOnly) {
    /** A snapshot. */
    public static CopyOf snapshot(String source, String name) {
        return new CopyOf(source, name, true);
    }

    /** A clone. */
    public static CopyOf clone(String source, String name) {
        return new CopyOf(source, name, false);
    }
}
