package io.vireo.fabric.storage.move;

import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockPool;
import io.vireo.block.PoolContent;
import io.vireo.block.PoolEncryption;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.move.Relocation.Home;
import io.vireo.fabric.storage.move.Relocation.Target;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.VdiskSpec;
import java.util.List;

/** What can be moved where, and what it looks like there. */
final class MoveRules {
    private static final int NAMED_AT_MOST = 3;

    private MoveRules() {}

    /** It stays as it is, encrypted or not, with checksums or without. */
    static VolumeFormat format(String name, Home from) {
        BlockGeometry geometry = from.volume().device().geometry();
        return new VolumeFormat(
                geometry.capacity(),
                geometry.logicalBlockSize(),
                geometry.physicalBlockSize(),
                from.pool().isEncrypted(name, false),
                from.pool().hasChecksums(name));
    }

    /**
     * Refuses what cannot be moved there.
     *
     * @param name of the vDisk's volume
     * @throws ResourceException that says what to do
     */
    static void check(String name, Home from, Target target) {
        boolean same = from.site().pool().equals(target.site().pool());
        if (!target.pool().keepsData()) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    "pool %s keeps nothing when the daemon ends, and a vDisk cannot be moved to it: choose one of type disks or directory"
                            .formatted(target.site().pool()));
        }
        if (from.pool().isEncrypted(name, false)
                && target.pool().encryption() == PoolEncryption.NONE) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    "it is encrypted, and pool %s encrypts nothing: set its spec.encryption.keySecret, or choose another pool"
                            .formatted(target.site().pool()));
        }
        if (from.pool().hasChecksums(name) && !target.pool().hasChecksums()) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    "it has checksums, and pool %s has none: choose one of type disks"
                            .formatted(target.site().pool()));
        }
        if (!same && target.pool().exists(name)) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "pool %s holds a vDisk %s already: move that away first"
                            .formatted(target.site().pool(), name));
        }
        List<String> snapshots = snapshots(name, from.pool());
        if (!snapshots.isEmpty()) {
            int more = snapshots.size() - NAMED_AT_MOST;
            throw new ResourceException(
                    ErrorCode.IN_USE,
                    "it has snapshots in pool %s, which cannot go with it (%s%s): delete them, or make a vDisk of one in another pool by export and import"
                            .formatted(
                                    from.site().pool(),
                                    String.join(
                                            ", ", snapshots.stream().limit(NAMED_AT_MOST).toList()),
                                    more > 0 ? " and %d more".formatted(more) : ""));
        }
        checkRoom(name, from, target);
    }

    private static List<String> snapshots(String name, BlockPool pool) {
        try {
            return pool.contents().stream()
                    .filter(each ->
                            each.snapshot() && each.snapshotOf().filter(name::equals).isPresent())
                    .map(PoolContent::name)
                    .toList();
        } catch (ResourceException e) {
            if (e.code() == ErrorCode.UNSUPPORTED) {
                return List.of();
            }
            throw e;
        }
    }

    private static void checkRoom(String name, Home from, Target target) {
        long capacity = from.volume().device().geometry().capacity();
        long needed =
                target.site().allocation() == VdiskSpec.Allocation.THICK
                        ? capacity
                        : target.pool()
                                .roomFor(
                                        from.pool().mapped(name, false).orElse(0),
                                        from.pool().hasChecksums(name));
        PoolSpace space = target.pool().space();
        if (space.capacityBytes() > 0 && space.freeBytes() < needed) {
            throw new ResourceException(
                    ErrorCode.EXHAUSTED,
                    "pool %s has %d MiB free, and it needs %d MiB there: make room in that pool"
                            .formatted(
                                    target.site().pool(),
                                    space.freeBytes() >> 20,
                                    Math.ceilDiv(needed, 1L << 20)));
        }
    }
}
