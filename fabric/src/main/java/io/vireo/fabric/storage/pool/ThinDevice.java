package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import java.util.Optional;

/** A volume of a pool as front ends use it. Thread safe. */
public interface ThinDevice extends BlockDevice {
    /**
     * Whether chunks that are written with nothing but zeroes take no room, from the next request
     * on: what is not mapped stays so, and a chunk that is written as a whole is given back.
     */
    void zeroDetection(boolean on);

    /**
     * On which members chunks lie that it takes from the next request on.
     *
     * @param inTurn true: on one after the other; false: on the first that has room; empty: as the
     *     pool says, see {@link StoragePool#isStriped}
     */
    void striped(Optional<Boolean> inTurn);
}
