package io.vireo.fabric.storage.pool;

import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.mirror.CopyCheck;
import io.vireo.fabric.storage.mirror.MirrorDevice;
import io.vireo.memory.OwnMemory;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Tells mirrors which blocks are not what they should be, of volumes with checksums, when they copy
 * from disk to disk. What they found is looked at then as if a client had read it: that repairs
 * what was wrong, or tells of what is lost.
 */
final class CopyChecks {
    /** More are left to whoever reads them, or to a scrub. */
    private static final int MOST = 1 << 14;

    /** A block of a volume. */
    private record Suspect(Volume volume, long block) {}

    private final Engine engine;
    private final int shift;
    private final ArrayDeque<Suspect> suspects = new ArrayDeque<>();
    private final ChunkOwner owner;
    private boolean looking;

    CopyChecks(Engine engine) {
        this.engine = engine;
        shift = engine.chunkShift();
        owner = new ChunkOwner(engine);
    }

    /** Has a member say what it copies, if it is a mirror. */
    void watch(int member) {
        if (engine.members().get(member).device() instanceof MirrorDevice mirror) {
            mirror.check(new OfMember(member));
        }
    }

    /** Whether a block is looked at. */
    boolean isBusy() {
        return looking;
    }

    /** Looks at what was found; how much was done. */
    int poll() {
        Suspect next = looking ? null : suspects.poll();
        if (next == null) {
            return 0;
        }
        if (next.volume().sums != null && engine.volumes().all().contains(next.volume())) {
            looking = true;
            engine.sums()
                    .readOwn(
                            next.volume(),
                            next.block() << PoolFormat.BLOCK_SHIFT,
                            PoolFormat.BLOCK,
                            true,
                            _ -> looking = false);
        }
        return 1;
    }

    /** What is known of one member. */
    private final class OfMember implements CopyCheck {
        private final int member;

        OfMember(int member) {
            this.member = member;
        }

        /** The chunk that a byte of the member is in; negative: it is in none. */
        private long chunk(long at) {
            if (member >= engine.space().areas()) {
                return -1;
            }
            ChunkArea area = engine.space().area(member);
            long index = (at - area.dataStart()) >> shift;
            return index < 0 || index >= area.chunks() ? -1 : PoolFormat.chunk(member, index);
        }

        @Override
        public boolean isReady(long at, int length, Runnable then) {
            if (!engine.has(PoolFormat.CHECKSUMS) || member >= engine.space().areas()) {
                return true;
            }
            owner.forget();
            ChunkArea area = engine.space().area(member);
            long first = Math.max(0, (at - area.dataStart()) >> shift);
            long end = (at + length - 1 - area.dataStart()) >> shift;
            return engine.places()
                    .areKnown(
                            PoolFormat.chunk(member, first),
                            PoolFormat.chunk(member, 0) + Math.min(end, area.chunks() - 1),
                            then);
        }

        @Override
        public boolean isWrong(long at, OwnMemory memory, int offset) {
            Suspect found = find(at);
            return found != null
                    && !engine.sums().isUnknown(found.volume(), found.block())
                    && !engine.sums().matches(found.volume(), found.block(), memory, offset);
        }

        @Override
        public void suspect(long at) {
            Suspect found = find(at);
            if (found != null && suspects.size() < MOST) {
                suspects.add(found);
                engine.members().wake();
            }
        }

        private @Nullable Suspect find(long at) {
            long chunk = chunk(at);
            long place = chunk < 0 ? ChunkPlaces.NONE : engine.places().find(chunk);
            Volume volume = place == ChunkPlaces.NONE ? null : owner.find(place, chunk);
            if (volume == null || volume.sums == null) {
                return null;
            }
            long inside = at - engine.path().offset(chunk);
            return new Suspect(volume, ((place << shift) + inside) >> PoolFormat.BLOCK_SHIFT);
        }
    }
}
