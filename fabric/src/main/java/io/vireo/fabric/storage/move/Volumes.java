package io.vireo.fabric.storage.move;

import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.move.Whereabouts.Place;
import io.vireo.fabric.storage.move.Whereabouts.State;
import io.vireo.resource.spec.VdiskSpec;

/**
 * The volumes that a move makes, renames and deletes. A copy has a name of its own until it is the
 * vDisk; so has what the vDisk was, if it stays in its pool, from shortly before that.
 */
public final class Volumes {
    /** Not the end of a name that a vDisk can have. */
    public static final String COPY = ".move";

    private static final String FORMER = ".old";

    private Volumes() {}

    /** Makes an empty volume for a copy, in place of what an earlier attempt left. */
    static BlockVolume makeCopy(BlockPool pool, String name, Site site, VolumeFormat format) {
        pool.delete(name + COPY, true);
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

    /** Deletes what the vDisk was. */
    static void deleteFormer(BlockPool pool, String name, boolean samePool) {
        pool.delete(samePool ? name + FORMER : name, true);
    }

    /** Deletes what there is of a copy that was given up. */
    static void deleteCopy(BlockPool pool, String name, boolean mayHaveName) {
        pool.delete(name + COPY, true);
        if (mayHaveName) {
            pool.delete(name, true);
        }
    }

    /**
     * Whether a daemon that ended while it switched has switched; if not, and the vDisk was to stay
     * in its pool, it gets its name back.
     *
     * @param place what was recorded: SWITCHING, or ABANDONED
     * @param from the pool of {@code place.from()}
     * @param to the pool of {@code place.to()}
     * @param format of the vDisk
     */
    public static boolean isSwitched(
            Place place, BlockPool from, BlockPool to, String name, VolumeFormat format) {
        boolean same = place.from().pool().equals(place.to().pool());
        boolean switched =
                place.state() == State.SWITCHING
                        && to.exists(name)
                        && (!same || to.exists(name + FORMER));
        if (same && !switched && from.exists(name + FORMER)) {
            // Of both names, which it can have only after an attempt that was given up.
            from.delete(name, true);
            takeBack(from, name, format);
        }
        return switched;
    }

    /** Deletes all there may be of a vDisk that was being moved, in one of its pools. */
    public static void deleteAll(BlockPool pool, String name) {
        pool.delete(name, true);
        pool.delete(name + COPY, true);
        pool.delete(name + FORMER, true);
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
