package io.vireo.fabric.storage.pool;

import java.time.Instant;
import java.util.OptionalLong;

/**
 * What to make a copy of.
 *
 * @param source name of a volume or snapshot
 * @param name of the copy
 * @param readOnly whether it is a snapshot; else a clone, a volume like any other
 * @param created when it is said to be made, in milliseconds since 1970; empty: now
 */
public record CopyOf(String source, String name, boolean readOnly, OptionalLong created) {
    /** One that is made now. */
    public CopyOf(String source, String name, boolean readOnly) {
        this(source, name, readOnly, OptionalLong.empty());
    }

    /** A snapshot. */
    public static CopyOf snapshot(String source, String name) {
        return new CopyOf(source, name, true);
    }

    /** A snapshot that is said to be made at another time. */
    public static CopyOf snapshot(String source, String name, Instant made) {
        return new CopyOf(source, name, true, OptionalLong.of(made.toEpochMilli()));
    }

    /** A clone. */
    public static CopyOf clone(String source, String name) {
        return new CopyOf(source, name, false);
    }
}
