package io.vireo.fabric.storage.mirror;

import io.vireo.memory.OwnMemory;
import org.jspecify.annotations.Nullable;

/**
 * A range inside one region that is read from one leg and written to others.
 *
 * @see Copier
 */
final class CopyJob {
    /** Told of the end; false: no leg could be read. */
    interface Then {
        void copied(boolean success);
    }

    final int region;
    final long at;
    final int length;

    /** Legs that get it, as far as they are live by then. */
    int targets;

    /** Legs that it is not read from. */
    int tried;

    final Then then;
    int outstanding;
    int failed;
    @Nullable OwnMemory buffer;

    CopyJob(int region, long at, int length, int targets, int notFrom, Then then) {
        this.region = region;
        this.at = at;
        this.length = length;
        this.targets = targets;
        this.tried = notFrom;
        this.then = then;
    }
}
