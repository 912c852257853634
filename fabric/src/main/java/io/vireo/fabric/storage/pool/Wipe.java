package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.memory.OwnMemory;

/**
 * Overwrites the superblocks of a member that left its pool, so that it can be used again, and the
 * journal that it may have had behind them.
 */
final class Wipe {
    private static final int STEP = 1 << 20;

    private final Member member;
    private final Runnable then;
    private final OwnMemory zeroes = OwnMemory.allocate(STEP);
    private final BlockRequest request = new BlockRequest(0, ended -> ended(ended.status()));
    private final long end;
    private long next;

    /** The superblocks first. */
    private int written;

    /**
     * @param header bytes before the first chunk
     */
    Wipe(Member member, long header, Runnable then) {
        this.member = member;
        this.then = then;
        end = header;
        next = PoolFormat.HEADER_BYTES;
    }

    /** If it fails the disk just has to be wiped by hand. */
    void start() {
        if (written < PoolFormat.SUPERBLOCKS.length) {
            write(PoolFormat.SUPERBLOCKS[written++], PoolFormat.BLOCK);
        } else if (next < end) {
            long at = next;
            next = Math.min(end, at + STEP);
            write(at, (int) (next - at));
        } else {
            zeroes.close();
            then.run();
        }
    }

    private void write(long at, int length) {
        request.prepare(BlockOperation.WRITE, at, length)
                .forceUnitAccess(true)
                .data()
                .add(zeroes.address(), length);
        member.submit(request);
    }

    private void ended(BlockStatus status) {
        if (status != BlockStatus.OK && written == PoolFormat.SUPERBLOCKS.length) {
            next = end;
        }
        start();
    }
}
