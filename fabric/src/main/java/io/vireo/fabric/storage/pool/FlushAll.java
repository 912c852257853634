package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.PoolFormat;
import java.util.ArrayList;
import java.util.List;

/** Flushes members and tells when all have been. One round at a time; reused. */
final class FlushAll {
    /** Told of the end of a round. */
    interface Then {
        void flushed(boolean allSucceeded);
    }

    private final MemberSet members;
    private final Then then;
    private final List<BlockRequest> requests = new ArrayList<>();
    private final long[] changes = new long[PoolFormat.MAX_MEMBERS];
    private int outstanding;
    private boolean failed;

    FlushAll(MemberSet members, Then then) {
        this.members = members;
        this.then = then;
    }

    /**
     * Flushes those members that have unflushed data.
     *
     * @return false: there is none, and nobody will be told
     */
    boolean startUnflushed() {
        outstanding = 1;
        failed = false;
        for (int i = 0; i < members.count(); i++) {
            if (members.get(i).isUnflushed()) {
                submit(i);
            }
        }
        if (outstanding == 1) {
            return false;
        }
        ended(BlockStatus.OK);
        return true;
    }

    /** Flushes one member. */
    void start(int member) {
        outstanding = 1;
        failed = false;
        submit(member);
        ended(BlockStatus.OK);
    }

    /** Flushes all members. */
    void startAll() {
        outstanding = 1;
        failed = false;
        for (int i = 0; i < members.count(); i++) {
            submit(i);
        }
        ended(BlockStatus.OK);
    }

    private void submit(int member) {
        while (requests.size() <= member) {
            requests.add(new BlockRequest(requests.size(), this::memberEnded));
        }
        // What is written while the flush is under way is not covered.
        changes[member] = members.get(member).changes();
        outstanding++;
        members.get(member).submit(requests.get(member).prepare(BlockOperation.FLUSH, 0, 0));
    }

    private void memberEnded(BlockRequest request) {
        if (request.status() == BlockStatus.OK) {
            members.get(request.tag()).flushed(changes[request.tag()]);
        }
        ended(request.status());
    }

    private void ended(BlockStatus status) {
        failed |= status != BlockStatus.OK;
        if (--outstanding == 0) {
            then.flushed(!failed);
        }
    }
}
