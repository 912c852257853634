package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.memory.OwnMemory;

/** Overwrites the superblocks of a member that left its pool, so that it can be used again. */
final class Wipe {
    private final Member member;
    private final Runnable then;
    private final OwnMemory zeroes = OwnMemory.allocate(PoolFormat.BLOCK);
    private int outstanding;

    Wipe(Member member, Runnable then) {
        this.member = member;
        this.then = then;
    }

    /** If it fails the disk just has to be wiped by hand. */
    void start() {
        outstanding = PoolFormat.SUPERBLOCKS.length;
        for (long place : PoolFormat.SUPERBLOCKS) {
            var request = new BlockRequest(0, _ -> ended());
            request.prepare(BlockOperation.WRITE, place, PoolFormat.BLOCK)
                    .forceUnitAccess(true)
                    .data()
                    .add(zeroes.address(), PoolFormat.BLOCK);
            member.submit(request);
        }
    }

    private void ended() {
        if (--outstanding == 0) {
            zeroes.close();
            then.run();
        }
    }
}
