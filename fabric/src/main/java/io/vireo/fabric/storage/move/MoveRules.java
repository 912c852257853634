package io.vireo.fabric.storage.move;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockOperation;
import io.vireo.block.PoolEncryption;
import io.vireo.block.VolumeFormat;
import io.vireo.block.VolumeSnapshot;
import io.vireo.fabric.storage.move.Relocation.Home;
import io.vireo.fabric.storage.move.Relocation.Target;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.EnumSet;
import java.util.List;

/** What can be moved where, and what it looks like there. */
final class MoveRules {
    private static final int NAMED_AT_MOST = 3;

    private MoveRules() {}

    /**
     * It stays as it is, encrypted or not, with checksums or without.
     *
     * @param capacity bytes that it has at first
     */
    static VolumeFormat format(String name, Home from, long capacity) {
        BlockGeometry geometry = from.volume().device().geometry();
        return new VolumeFormat(
                capacity,
                geometry.logicalBlockSize(),
                geometry.physicalBlockSize(),
                from.pool().isEncrypted(name, false),
                from.pool().hasChecksums(name));
    }

    /**
     * Refuses what cannot be moved there.
     *
     * @param name of the vDisk's volume
     * @param snapshots of it
     * @throws ResourceException that says what to do
     */
    static void check(String name, Home from, Target target, List<VolumeSnapshot> snapshots) {
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
        if (!snapshots.isEmpty()) {
            checkSnapshots(snapshots.stream().map(VolumeSnapshot::name).toList(), target, same);
        }
        MoveRoom.check(name, from, target, snapshots);
    }

    private static void checkSnapshots(List<String> names, Target target, boolean same) {
        if (same) {
            throw new ResourceException(
                    ErrorCode.IN_USE,
                    "it shares room with its snapshots (%s), which would be left with what it was: delete them, or move it to another pool with that allocation, where they go with it"
                            .formatted(some(names)));
        }
        if (!target.pool().hasSnapshots()) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    "it has snapshots (%s), and pool %s can have none: delete them, or choose a pool of type disks, where they go with it"
                            .formatted(some(names), target.site().pool()));
        }
        List<String> there = names.stream().filter(target.pool()::hasSnapshot).toList();
        if (!there.isEmpty()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "pool %s holds snapshots of these names already (%s): delete them there, or the ones of this vDisk"
                            .formatted(target.site().pool(), some(there)));
        }
    }

    private static String some(List<String> names) {
        int more = names.size() - NAMED_AT_MOST;
        return String.join(", ", names.stream().limit(NAMED_AT_MOST).toList())
                + (more > 0 ? " and %d more".formatted(more) : "");
    }

    /**
     * Refuses what could not do what servers were promised.
     *
     * @param to what it is to be
     * @throws ResourceException UNSUPPORTED
     */
    static void checkOperations(BlockDevice source, BlockDevice to, Target target) {
        var needed = EnumSet.copyOf(source.operations());
        // Of no consequence to servers.
        needed.remove(BlockOperation.ALLOCATE);
        if (!to.operations().containsAll(needed)
                || !to.operations().contains(BlockOperation.WRITE_ZEROES)) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    "pool %s cannot do what servers were promised (%s): choose another one"
                            .formatted(target.site().pool(), needed));
        }
    }
}
