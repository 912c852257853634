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
import java.util.HashSet;
import java.util.List;

/**
 * vDisks of one pool, of which snapshots are made at one moment.
 *
 * @param volumes their names in the pool
 */
record GroupedVolumes(BlockPool pool, List<String> volumes) {
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

    /**
     * The vDisks, which are there.
     *
     * @throws ResourceException INVALID if they are not all in one pool
     */
    static GroupedVolumes of(List<String> vdisks, RealizeContext context) {
        List<PooledVolume> volumes =
                vdisks.stream()
                        .map(each -> context.require(reference(each), PooledVolume.class))
                        .toList();
        BlockPool pool = volumes.getFirst().pool();
        for (PooledVolume volume : volumes) {
            if (volume.pool() != pool) {
                throw new ResourceException(
                        ErrorCode.INVALID,
                        "vDisks %s and %s are in different pools, which have no moment in common; make a group for each pool"
                                .formatted(volumes.getFirst().volumeName(), volume.volumeName()));
            }
        }
        return new GroupedVolumes(pool, volumes.stream().map(PooledVolume::volumeName).toList());
    }
}
