package io.vireo.fabric.storage.mirror;

import io.vireo.memory.OwnMemory;

/**
 * What the pool above a mirror knows of blocks of 4 KiB that are copied between legs. On the
 * mirror's reactor: must not block.
 */
public interface CopyCheck {
    /**
     * Whether {@link #isWrong} can tell of a range.
     *
     * @param at byte of the mirror
     * @param then runs later, in another turn, if it cannot yet
     */
    boolean isReady(long at, int length, Runnable then);

    /**
     * Whether what was read of a block cannot be what it should be; false also where nothing is
     * known of it. No change of it is under way.
     *
     * @param at byte of the mirror, a multiple of 4096
     * @param offset of the block in {@code memory}
     */
    boolean isWrong(long at, OwnMemory memory, int offset);

    /** A leg in sync has a block that is wrong: it is to be looked at soon, in another turn. */
    void suspect(long at);
}
