package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.resource.Progress;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** How many of the pages of a pool's maps have been read. One thread. */
final class MapProgress {
    /** Pages between two reports: a quarter of a mebibyte. */
    private static final int STEP = 64;

    private final Consumer<Progress> told;
    private final long begin = System.nanoTime();
    private long known;
    private long read;

    /**
     * @param told of each step; what it throws ends the reading
     */
    MapProgress(Consumer<Progress> told) {
        this.told = told;
    }

    /** There are so many pages more than was known. */
    void found(int pages) {
        known += pages;
    }

    /** One more has been read. */
    void read() {
        read++;
        if (read % STEP == 0 || read == known) {
            long bytes = read * PoolFormat.BLOCK;
            long nanos = Math.max(1, System.nanoTime() - begin);
            long rate = (long) (bytes * (double) TimeUnit.SECONDS.toNanos(1) / nanos);
            told.accept(new Progress("open", bytes, known * PoolFormat.BLOCK, rate));
        }
    }
}
