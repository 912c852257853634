package io.vireo.fabric.storage.pool;

import java.time.Duration;

/**
 * How the mirrored members of a pool are run.
 *
 * @param alone whether a mirror may be opened although a disk is missing that may know more than
 *     those that are here: somebody has to have decided that
 * @param resyncBytesPerSecond how much a resync copies at most; 0: as much as it can
 * @param stallLimit how long a disk may leave a request without an answer before the others go on
 *     without it
 */
public record MirrorOptions(boolean alone, long resyncBytesPerSecond, Duration stallLimit) {
    /** No disk that was in sync may be missing; resyncs are as fast as they can. */
    public static final MirrorOptions DEFAULT = new MirrorOptions(false, 0);

    /** With the usual limit, 10 s. */
    public MirrorOptions(boolean alone, long resyncBytesPerSecond) {
        this(alone, resyncBytesPerSecond, Duration.ofSeconds(10));
    }
}
