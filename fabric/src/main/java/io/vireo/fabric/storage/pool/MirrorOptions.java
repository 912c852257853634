package io.vireo.fabric.storage.pool;

/**
 * How the mirrored members of a pool are run.
 *
 * @param alone whether a mirror may be opened although a disk is missing that may know more than
 *     those that are here: somebody has to have decided that
 * @param resyncBytesPerSecond how much a resync copies at most; 0: as much as it can
 */
public record MirrorOptions(boolean alone, long resyncBytesPerSecond) {
    /** No disk that was in sync may be missing; resyncs are as fast as they can. */
    public static final MirrorOptions DEFAULT = new MirrorOptions(false, 0);
}
