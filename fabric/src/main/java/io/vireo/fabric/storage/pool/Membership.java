package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.MemberEntry;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.Optional;

/**
 * Members of a pool that is open join it, leave it and become larger: each with a checkpoint, which
 * makes it durable. Of the home reactor.
 */
final class Membership {
    private final MemberSet members;
    private final ChunkSpace space;
    private final Superblocks superblocks;
    private final Drain drain;
    private final int chunkShift;
    private Optional<MemberEntry> joining = Optional.empty();

    Membership(
            MemberSet members,
            ChunkSpace space,
            Superblocks superblocks,
            Drain drain,
            int chunkShift) {
        this.members = members;
        this.space = space;
        this.superblocks = superblocks;
        this.drain = drain;
        this.chunkShift = chunkShift;
    }

    /** The member that the next checkpoint is to add. */
    Optional<MemberEntry> joining() {
        return joining;
    }

    /** The last of the members, which has a superblock, is to belong to the pool. */
    void join(MemberEntry entry) {
        superblocks.join();
        joining = Optional.of(entry);
    }

    /** It belongs to the pool durably: its chunks can be used. */
    void joined(MemberEntry entry) {
        joining = Optional.empty();
        var area = new ChunkArea(entry.dataStart(), entry.chunks(), 0);
        if (entry.highWater() > 0) {
            area.replayMark(entry.highWater());
            area.foundUnused(false);
        }
        space.addArea(area);
        members.wake();
    }

    /** A member that was drained is not in the table any more, durably. */
    void left(int member) {
        space.remove(member);
        drain.left();
    }

    /** Looks for members that are larger than what is used of them. */
    void planGrowth(boolean zeroed) {
        for (int i = 0; i < space.areas(); i++) {
            ChunkArea area = space.area(i);
            if (area.chunks() == 0 || area.isDraining()) {
                continue;
            }
            if (members.get(i).device() instanceof MirrorDevice mirror && !mirror.isWhole()) {
                throw new ResourceException(
                        ErrorCode.CONFLICT,
                        "mirror %s has not all its copies, and cannot grow before it has"
                                .formatted(mirror.set()));
            }
            long capacity = members.get(i).device().geometry().capacity();
            long chunks = capacity - area.dataStart() >>> chunkShift;
            area.plan(Math.min(chunks, ChunkArea.MAX_CHUNKS), zeroed);
        }
    }
}
