package io.vireo.block;

/** What a virtual disk is made of: for those that copy it, as snapshots do. */
public interface PooledVolume {
    /** Where it is. */
    BlockPool pool();

    /** Its name there. */
    String volumeName();
}
