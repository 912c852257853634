package io.vireo.device.scsi;

import io.vireo.block.BlockPool;
import io.vireo.block.PoolSpace;

/**
 * The LBA mapping resources of a unit (SBC-3, 4.7.3): the room of its pool, which it shares with
 * others. Thread safe, but for {@link #crosses}.
 */
final class SharedRoom {
    /** Bytes of a threshold set, in which resources are counted. */
    private static final int SET_SHIFT = 20;

    private final BlockPool pool;

    /** Whether the threshold was passed when somebody looked. */
    private boolean over;

    SharedRoom(BlockPool pool) {
        this.pool = pool;
    }

    BlockPool pool() {
        return pool;
    }

    /** Whether the pool has a limit. */
    boolean isLimited() {
        return pool.space().capacityBytes() > 0;
    }

    /** Exponent of two of the blocks in a threshold set. */
    static int thresholdExponent(int blockShift) {
        return SET_SHIFT - blockShift;
    }

    /** Threshold sets that are free. */
    long available() {
        return sets(pool.space().freeBytes());
    }

    /** Threshold sets that are used. */
    long used() {
        PoolSpace space = pool.space();
        return sets(space.capacityBytes() - space.freeBytes());
    }

    /** Threshold sets of use from which on the pool is nearly full. */
    long threshold() {
        return sets((long) (pool.space().capacityBytes() / 100.0 * pool.warnPercent()));
    }

    private static long sets(long bytes) {
        return Math.min(bytes >> SET_SHIFT, 0xFFFF_FFFFL);
    }

    /** Whether the pool is nearly full. */
    boolean isOverThreshold() {
        PoolSpace space = pool.space();
        double used = space.capacityBytes() - space.freeBytes();
        return isLimited() && used * 100 / space.capacityBytes() >= pool.warnPercent();
    }

    /** Takes note of whether the pool is nearly full, and tells whether it was not before. */
    boolean crosses(boolean isOver) {
        boolean before = over;
        over = isOver;
        return isOver && !before;
    }
}
