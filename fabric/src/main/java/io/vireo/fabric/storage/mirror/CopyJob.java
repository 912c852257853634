package io.vireo.fabric.storage.mirror;

import io.vireo.fabric.storage.format.PoolFormat;
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

    /** Legs that it is not read from: they cannot be read. */
    int tried;

    final Then then;

    /** The leg that it was read from. */
    int source;

    /** Legs that were read. */
    int looked;

    /** Whole blocks that are wrong on the source, and of these those no leg has right; by bits. */
    long suspects;

    long lost;

    int outstanding;
    int failed;

    /** Legs that have failed since it was written to them. */
    final Departures departures = new Departures();

    @Nullable OwnMemory buffer;

    /** What other legs have, while right blocks are looked for. */
    @Nullable OwnMemory other;

    CopyJob(int region, long at, int length, int targets, int notFrom, Then then) {
        this.region = region;
        this.at = at;
        this.length = length;
        this.targets = targets;
        this.tried = notFrom;
        this.then = then;
    }

    /** Whole blocks in it. */
    int blocks() {
        long first = blockAt(0);
        return (int) Math.max(0, at + length - first) / PoolFormat.BLOCK;
    }

    /** Where a block is, in bytes of the mirror. */
    long blockAt(int block) {
        return (at + PoolFormat.BLOCK - 1 & -PoolFormat.BLOCK) + (long) block * PoolFormat.BLOCK;
    }

    /** Where a block is in the buffer. */
    int offset(int block) {
        return (int) (blockAt(block) - at);
    }
}
