package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockRequest;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.memory.OwnMemory;

/**
 * The copies of a range of a member that is a mirror, each by itself: those that are in sync, then
 * those that are being resynced and may be out of date. A member that is no mirror has none.
 */
final class Copies {
    private final Member member;
    private final long at;
    private int copy = -1;

    /** Whether those in sync have been read, and those that are not are. */
    private boolean old;

    /**
     * @param at byte of the member
     */
    Copies(Member member, long at) {
        this.member = member;
        this.at = at;
    }

    /**
     * Begins to read the next one.
     *
     * @param evenOld whether one that is being resynced is of use
     * @param request completed when {@code memory} is full or that failed
     * @return false: there is none
     */
    boolean readNext(boolean evenOld, OwnMemory memory, BlockRequest request) {
        return member.device() instanceof MirrorDevice mirror
                && readNext(mirror, evenOld, memory, request);
    }

    private boolean readNext(
            MirrorDevice mirror, boolean evenOld, OwnMemory memory, BlockRequest request) {
        while (++copy < mirror.copies()) {
            if (!old
                    ? mirror.readCopy(copy, at, memory, request)
                    : mirror.readOldCopy(copy, at, memory, request)) {
                return true;
            }
        }
        if (old || !evenOld) {
            return false;
        }
        old = true;
        copy = -1;
        return readNext(mirror, true, memory, request);
    }
}
