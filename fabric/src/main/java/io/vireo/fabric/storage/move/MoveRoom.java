package io.vireo.fabric.storage.move;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeSnapshot;
import io.vireo.fabric.storage.move.Relocation.Home;
import io.vireo.fabric.storage.move.Relocation.Target;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.VdiskSpec;
import java.util.List;
import java.util.Optional;

/**
 * The room that a vDisk takes where it goes: what it, or the first of its snapshots, has mapped,
 * and what each that comes after does not share with the one before; at most, since holes are not
 * told from data where two differ.
 */
final class MoveRoom {
    private static final int STEPS = 256;

    private MoveRoom() {}

    /**
     * Refuses what has no room there.
     *
     * @param snapshots that go along, the oldest first
     * @throws ResourceException EXHAUSTED
     */
    static void check(String name, Home from, Target target, List<VolumeSnapshot> snapshots) {
        boolean thick = target.site().allocation() == VdiskSpec.Allocation.THICK;
        BlockDevice vdisk = from.volume().device();
        boolean checksums = from.pool().hasChecksums(name);
        long changes = changes(name, from, snapshots);
        long needed =
                thick
                        ? vdisk.geometry().capacity() + changes
                        : target.pool().roomFor(first(name, from, snapshots) + changes, checksums);
        String snapshot = snapshots.isEmpty() ? "" : " with its snapshots";
        check(target.pool(), needed, "pool " + target.site().pool(), snapshot);
    }

    /**
     * @param pool how it is called
     * @param with what else needs that room; empty: nothing, and it is exactly that much
     */
    private static void check(BlockPool to, long needed, String pool, String with) {
        PoolSpace space = to.space();
        if (space.capacityBytes() > 0 && space.freeBytes() < needed) {
            throw new ResourceException(
                    ErrorCode.EXHAUSTED,
                    "%s has %d MiB free, and it needs %s%d MiB there%s: make room in that pool"
                            .formatted(
                                    pool,
                                    space.freeBytes() >> 20,
                                    with.isEmpty() ? "" : "up to ",
                                    Math.ceilDiv(needed, 1L << 20),
                                    with));
        }
    }

    private static long first(String name, Home from, List<VolumeSnapshot> snapshots) {
        return snapshots.isEmpty()
                ? from.pool().mapped(name, false).orElse(0)
                : from.pool().mapped(snapshots.getFirst().name(), true).orElse(0);
    }

    /** Bytes that are written after the first of its snapshots. */
    private static long changes(String name, Home from, List<VolumeSnapshot> snapshots) {
        long sum = 0;
        for (int i = 1; i < snapshots.size(); i++) {
            String next = snapshots.get(i).name();
            BlockVolume opened = from.pool().openSnapshot(next);
            try {
                sum += changes(from.pool(), snapshots.get(i - 1), next, true, opened);
            } finally {
                opened.close();
            }
        }
        return snapshots.isEmpty()
                ? 0
                : sum + changes(from.pool(), snapshots.getLast(), name, false, from.volume());
    }

    private static long changes(
            BlockPool pool, VolumeSnapshot before, String name, boolean snapshot, BlockVolume now) {
        BlockVolume opened = pool.openSnapshot(before.name());
        try {
            return unshared(pool, name, snapshot, now.device(), opened.device());
        } finally {
            opened.close();
        }
    }

    /** Bytes that one has mapped and does not share with another, at most. */
    private static long unshared(
            BlockPool pool, String name, boolean snapshot, BlockDevice one, BlockDevice other) {
        long differs = differs(one, other);
        return Math.min(differs, pool.mapped(name, snapshot).orElse(differs));
    }

    /** Bytes in which one may differ from another; looks at the pool's maps in small pieces. */
    private static long differs(BlockDevice one, BlockDevice other) {
        Optional<Reactor> home = one.home();
        long capacity = one.geometry().capacity();
        long[] found = new long[2];
        while (found[0] < capacity) {
            Runnable piece = () -> look(one, other, capacity, found);
            home.ifPresentOrElse(reactor -> OnReactor.tell(reactor, piece), piece);
        }
        return found[1];
    }

    /**
     * Looks at a few extents.
     *
     * @param found from where on, and how many bytes differ before that
     */
    private static void look(BlockDevice one, BlockDevice other, long capacity, long[] found) {
        var geometry = one.geometry();
        long step = Math.max(geometry.discardAlignment(), geometry.logicalBlockSize());
        for (int i = 0; i < STEPS && found[0] < capacity; i++) {
            long same = one.sameUntil(other, found[0]);
            if (same > found[0]) {
                found[0] = same;
            } else {
                long next = Math.min(capacity, found[0] + step);
                found[1] += next - found[0];
                found[0] = next;
            }
        }
    }

    /**
     * Refuses a snapshot for which there is no room any more.
     *
     * @param source what it is
     * @param before what the copy is already
     * @throws ResourceException EXHAUSTED
     */
    static void checkNext(
            BlockPool from, BlockPool to, String snapshot, BlockDevice source, BlockDevice before) {
        long needed = unshared(from, snapshot, true, source, before);
        check(to, needed, to.location(), " for snapshot " + snapshot);
    }
}
