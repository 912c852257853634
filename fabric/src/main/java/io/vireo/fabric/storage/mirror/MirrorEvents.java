package io.vireo.fabric.storage.mirror;

/** Told of what an operator has to know of a mirror. On its reactor: must not block. */
public interface MirrorEvents {
    /** A leg is lost, and what to do, in one sentence. */
    void degraded(String sentence);

    /** All legs are in sync. */
    void redundant();
}
