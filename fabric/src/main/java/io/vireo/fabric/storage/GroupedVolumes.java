package io.vireo.fabric.storage;

import io.vireo.block.BlockPool;
import io.vireo.block.PooledVolume;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.Kinds;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;

/**
 * vDisks of which snapshots are made at one moment, while all are in one pool. Each may move to
 * another pool later, and what is its own of a group goes with it.
 */
record GroupedVolumes(List<PooledVolume> vdisks) {
    static List<Reference> references(List<String> vdisks) {
        return vdisks.stream().map(GroupedVolumes::reference).toList();
    }

    private static Reference reference(String vdisk) {
        return new Reference(Kinds.VDISK, vdisk);
    }

    static List<Violation> validate(List<String> vdisks) {
        var violations = new ArrayList<Violation>();
        if (vdisks.isEmpty()) {
            violations.add(new Violation("/spec/vdisks", "needs at least one vDisk"));
        }
        var seen = new HashSet<String>();
        for (int i = 0; i < vdisks.size(); i++) {
            if (!seen.add(vdisks.get(i))) {
                violations.add(
                        new Violation("/spec/vdisks/" + i, "is there already; name each once"));
            }
        }
        return violations;
    }

    /** The vDisks, which are there. */
    static GroupedVolumes of(List<String> vdisks, RealizeContext context) {
        return new GroupedVolumes(
                vdisks.stream()
                        .map(each -> context.require(reference(each), PooledVolume.class))
                        .toList());
    }

    /**
     * The pool that all of them are in now.
     *
     * @throws ResourceException INVALID if they are not all in one pool
     */
    BlockPool pool() {
        BlockPool pool = vdisks.getFirst().pool();
        for (PooledVolume volume : vdisks) {
            if (volume.pool() != pool) {
                throw new ResourceException(
                        ErrorCode.INVALID,
                        "vDisks %s and %s are in different pools, which have no moment in common; make a group for each pool"
                                .formatted(vdisks.getFirst().volumeName(), volume.volumeName()));
            }
        }
        return pool;
    }

    /** The pools that may have snapshots of them. */
    List<BlockPool> pools() {
        return vdisks.stream()
                .map(PooledVolume::pool)
                .distinct()
                .filter(BlockPool::hasSnapshots)
                .toList();
    }

    /** Their names in their pools. */
    List<String> volumes() {
        return vdisks.stream().map(PooledVolume::volumeName).toList();
    }

    /**
     * Does something while all of them stay where they are.
     *
     * @throws ResourceException NOT_READY if one is being moved
     */
    void atRest(Runnable task) {
        Runnable all = task;
        // In one order, whoever asks: he waits for one after the other.
        for (PooledVolume vdisk :
                vdisks.stream().sorted(Comparator.comparing(PooledVolume::volumeName)).toList()) {
            Runnable others = all;
            all = () -> vdisk.atRest(others);
        }
        all.run();
    }
}
