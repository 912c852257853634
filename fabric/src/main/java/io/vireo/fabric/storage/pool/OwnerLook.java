package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.format.ClaimBlock;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.fabric.storage.format.Superblock;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.memory.OwnMemory;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Looks at one copy of a member's superblocks, and at what others ask beside the first of them.
 * Used again and again.
 */
final class OwnerLook {
    private final OwnerWatch watch;

    /** The first superblock and the claim; the second superblock. */
    private final OwnMemory first = OwnMemory.allocate(ClaimBlock.CLAIM + PoolFormat.BLOCK);

    private final OwnMemory second = OwnMemory.allocate(PoolFormat.BLOCK);
    private final BlockRequest readFirst = new BlockRequest(0, _ -> ended());
    private final BlockRequest readSecond = new BlockRequest(1, _ -> ended());
    private final OwnMemory answer = OwnMemory.allocate(PoolFormat.BLOCK);
    private final BlockRequest writeAnswer = new BlockRequest(2, this::answered);
    private @Nullable Member member;
    private int outstanding;
    private long since;
    private boolean answering;

    /** The claim that is being answered, and the last one that was. */
    private @Nullable UUID asked;

    private @Nullable UUID served;

    OwnerLook(OwnerWatch watch) {
        this.watch = watch;
    }

    /**
     * Begins to look, if the look before has ended.
     *
     * @param copy which leg to look at, of a mirror
     */
    void begin(Member where, int copy, long now) {
        if (outstanding > 0) {
            return;
        }
        member = where;
        since = now;
        outstanding = 3;
        read(readFirst, where, copy, PoolFormat.SUPERBLOCKS[0], first);
        read(readSecond, where, copy, PoolFormat.SUPERBLOCKS[1], second);
        ended();
    }

    private void read(BlockRequest request, Member where, int copy, long at, OwnMemory memory) {
        if (where.device() instanceof MirrorDevice mirror) {
            if (!mirror.readCopy(copy, at, memory, request)) {
                request.prepare(BlockOperation.READ, at, 0).complete(BlockStatus.IO_ERROR);
            }
        } else {
            request.prepare(BlockOperation.READ, at, memory.length())
                    .data()
                    .add(memory.address(), memory.length());
            where.submit(request);
        }
    }

    /** Whether it is under way. */
    boolean isLooking() {
        return outstanding > 0;
    }

    private void ended() {
        if (--outstanding > 0 || watch.isOver()) {
            return;
        }
        look();
        watch.looked();
    }

    private void look() {
        boolean ours = isOurs(readFirst, first);
        ours |= isOurs(readSecond, second);
        if (watch.isOver()) {
            return;
        }
        // What could not be read may say otherwise.
        if (ours && readFirst.status() == BlockStatus.OK && readSecond.status() == BlockStatus.OK) {
            watch.seen(since);
        }
        if (readFirst.status() == BlockStatus.OK && !answering) {
            ClaimBlock.decode(first, ClaimBlock.CLAIM).ifPresent(this::asked);
        }
    }

    /** Whether a superblock says that the pool is ours. */
    private boolean isOurs(BlockRequest read, OwnMemory memory) {
        if (read.status() != BlockStatus.OK) {
            return false;
        }
        return switch (watch.current().whose(memory)) {
            case UNKNOWN -> false;
            case OURS -> true;
            case ANOTHERS -> {
                watch.lost(Superblock.owner(memory));
                yield false;
            }
        };
    }

    private void asked(ClaimBlock claim) {
        Superblock current = watch.current();
        Member where = member;
        boolean ofUs =
                !claim.answer()
                        && claim.pool().equals(current.pool())
                        && claim.epoch() == current.ownerEpoch()
                        && !claim.claim().equals(served);
        if (where == null || !ofUs) {
            return;
        }
        PoolOwner me = current.owner();
        new ClaimBlock(true, current.pool(), claim.claim(), current.ownerEpoch(), me)
                .encode(answer);
        answering = true;
        asked = claim.claim();
        writeAnswer
                .prepare(BlockOperation.WRITE, ClaimBlock.ANSWER, PoolFormat.BLOCK)
                .data()
                .add(answer.address(), PoolFormat.BLOCK);
        where.submit(writeAnswer);
    }

    private void answered(BlockRequest request) {
        answering = false;
        if (request.status() == BlockStatus.OK) {
            served = asked;
        }
    }

    /** The members are closed. */
    void close() {
        first.close();
        second.close();
        answer.close();
    }
}
