package io.vireo.block;

/** What a virtual disk is made of: for those that copy it, as snapshots do. */
public interface PooledVolume {
    /** Where it is now: another pool when it has moved. */
    BlockPool pool();

    /** Its name there. */
    String volumeName();

    /**
     * Does something on any thread, while it stays where it is.
     *
     * @throws io.vireo.resource.ResourceException NOT_READY if it is being moved
     */
    default void atRest(Runnable task) {
        task.run();
    }
}
