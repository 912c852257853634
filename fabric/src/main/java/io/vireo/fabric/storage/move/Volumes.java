package io.vireo.fabric.storage.move;

import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.move.Whereabouts.Place;
import io.vireo.fabric.storage.move.Whereabouts.State;
import io.vireo.resource.spec.VdiskSpec;

/**
 * The volumes that a move makes, renames and deletes. A copy has a name of its own until it is the
 * vDisk; so has what the vDisk was, if it stays in its pool, from shortly before that. Snapshots
 * have their names from the beginning, and belong to the volume that they are of, whatever its
 * name.
 */
public final class Volumes {
    /** Not the end of a name that a vDisk can have. */
    public static final String COPY = ".move";

    private static final String FORMER = ".old";

    private Volumes() {}

    /** Makes an empty volume for a copy, in place of what an earlier attempt left. */
    static BlockVolume makeCopy(BlockPool pool, String name, Site site, VolumeFormat format) {
        deleteWithSnapshots(pool, name + COPY);
        if (site.allocation() == VdiskSpec.Allocation.THICK) {
            pool.createThick(name + COPY, format);
        } else {
            pool.create(name + COPY, format);
        }
        return pool.open(name + COPY, format);
    }

    /**
     * Makes a copy the vDisk, in one durable step. If the vDisk stays in its pool, what it was gets
     * another name before that; between the two steps there is no volume of its name, and both are
     * the same.
     */
    static void switchTo(BlockVolume copy, BlockVolume former, String name, boolean samePool) {
        if (samePool) {
            former.rename(name + FORMER);
        }
        copy.rename(name);
    }

    /**
     * Deletes what a move has left, and gives the vDisk its name back if it has lost that.
     *
     * @param place what is recorded, see {@link #settled}
     * @param pool where there may be something
     * @param here the vDisk, where it is
     */
    static void clear(Place place, BlockPool pool, BlockVolume here, String name) {
        boolean same = place.isInOnePool();
        switch (place.state()) {
            case AT -> {
                // Nothing is left.
            }
            case COPYING, SWITCHING -> deleteWithSnapshots(pool, name + COPY);
            case MOVED -> {
                if (same) {
                    // What its snapshots are has not been copied.
                    pool.delete(name + FORMER, true);
                } else {
                    deleteWithSnapshots(pool, name);
                }
            }
            case ABANDONED -> {
                deleteWithSnapshots(pool, name + COPY);
                if (!same) {
                    deleteWithSnapshots(pool, name);
                } else if (pool.exists(name + FORMER)) {
                    pool.delete(name, true);
                    here.rename(name);
                }
            }
        }
    }

    /**
     * Asks the pools whether a daemon that ended while it switched, or that did not learn how its
     * switch ended, has switched. If not, and the vDisk was to stay in its pool, it gets its name
     * back.
     *
     * @param place what was recorded, which is open
     * @param from the pool of {@code place.from()}
     * @param to the pool of {@code place.to()}
     * @param format of the vDisk
     * @return MOVED or ABANDONED
     */
    public static Place settled(
            Place place, BlockPool from, BlockPool to, String name, VolumeFormat format) {
        boolean same = place.isInOnePool();
        boolean switched =
                place.state() == State.SWITCHING
                        && to.exists(name)
                        && (!same || to.exists(name + FORMER));
        if (same && !switched && from.exists(name + FORMER)) {
            // Of both names, which it can have only after an attempt that was given up.
            from.delete(name, true);
            takeBack(from, name, format);
        }
        return new Place(switched ? State.MOVED : State.ABANDONED, place.from(), place.to());
    }

    /** Deletes all there may be of a vDisk that was being moved, in one of its pools. */
    public static void deleteAll(Place place, BlockPool pool, String name) {
        if (place.isInOnePool()) {
            pool.delete(name, true);
        } else {
            deleteWithSnapshots(pool, name);
        }
        deleteWithSnapshots(pool, name + COPY);
        pool.delete(name + FORMER, true);
    }

    /** Snapshots first: without their volume nobody would find them. */
    private static void deleteWithSnapshots(BlockPool pool, String volume) {
        pool.snapshotsOf(volume).forEach(snapshot -> pool.deleteSnapshot(snapshot.name()));
        pool.delete(volume, true);
    }

    private static void takeBack(BlockPool pool, String name, VolumeFormat format) {
        BlockVolume former = pool.open(name + FORMER, format);
        try {
            former.rename(name);
        } finally {
            former.close();
        }
    }
}
