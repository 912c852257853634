package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.FormatException;
import io.vireo.fabric.storage.format.MirrorHeader;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.memory.OwnMemory;
import java.util.function.Predicate;

/**
 * What is left where disks were about to become a mirrored member of a pool when the power went:
 * headers of legs, and behind them no superblock, or one that only says who the member would be.
 * There is no data on such disks, and a pool is whole without them.
 */
final class MirrorAttempt {
    private MirrorAttempt() {}

    /** Whether that is all that is on a disk; {@code mine} is the pool that it was for. */
    static boolean isOne(HomeIo io, int device, OwnMemory block, Superblock mine) {
        return hasHeader(io, device, block)
                && holdsOnly(
                        io,
                        device,
                        block,
                        found ->
                                found.pool().equals(mine.pool())
                                        && mine.members().size() <= found.member());
    }

    /** Whether a disk that has the header of a leg never was a part of a pool. */
    static boolean isOne(HomeIo io, int device, OwnMemory block) {
        return holdsOnly(io, device, block, _ -> true);
    }

    private static boolean hasHeader(HomeIo io, int device, OwnMemory block) {
        for (long place : MirrorHeader.PLACES) {
            io.read(device, place, block, PoolFormat.BLOCK);
            if (MirrorHeader.isOne(block)) {
                return true;
            }
        }
        return false;
    }

    /** Whether a leg's copy has no superblock but such a one of generation 0. */
    private static boolean holdsOnly(
            HomeIo io, int device, OwnMemory block, Predicate<Superblock> newcomer) {
        for (long place : PoolFormat.SUPERBLOCKS) {
            io.read(device, MirrorHeader.DATA + place, block, PoolFormat.BLOCK);
            if (!Superblock.isOne(block)) {
                continue;
            }
            try {
                Superblock found = Superblock.decode(block);
                if (found.generation() != 0 || !newcomer.test(found)) {
                    return false;
                }
            } catch (FormatException e) {
                // Damaged: it may have been anything.
                return false;
            }
        }
        return true;
    }
}
