package io.vireo.fabric.storage;

import io.vireo.block.ExclusiveUse;
import io.vireo.block.PooledVolume;
import io.vireo.resource.Column;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Passive;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.VdiskRollbackSpec;
import java.util.List;

/**
 * Makes a vDisk what a snapshot is, once: as soon as no server has the vDisk. It stays as a record
 * of that until it is deleted, which undoes nothing.
 */
public final class VdiskRollbackKind implements ResourceKind<VdiskRollbackSpec> {
    @Override
    public String kind() {
        return Kinds.VDISK_ROLLBACK;
    }

    @Override
    public String plural() {
        return "vdiskrollbacks";
    }

    @Override
    public List<String> shortNames() {
        return List.of("rollback");
    }

    @Override
    public String description() {
        return "Makes a virtual disk what a snapshot is, once, when no server has it. What was on it since is gone.";
    }

    @Override
    public Class<VdiskRollbackSpec> specType() {
        return VdiskRollbackSpec.class;
    }

    @Override
    public List<Reference> references(VdiskRollbackSpec spec) {
        return List.of(vdisk(spec), snapshot(spec));
    }

    private static Reference vdisk(VdiskRollbackSpec spec) {
        return new Reference(Kinds.VDISK, spec.vdisk());
    }

    private static Reference snapshot(VdiskRollbackSpec spec) {
        return new Reference(Kinds.SNAPSHOT, spec.snapshot());
    }

    @Override
    public List<Violation> validateUpdate(
            Metadata metadata, VdiskRollbackSpec oldSpec, VdiskRollbackSpec newSpec) {
        return Violation.ofChange("/spec", oldSpec, newSpec, "make another VdiskRollback");
    }

    @Override
    public List<Column<VdiskRollbackSpec>> columns() {
        return List.of(
                Column.of("VDISK", (spec, _) -> spec.vdisk()),
                Column.of("SNAPSHOT", (spec, _) -> spec.snapshot()));
    }

    @Override
    public Realization realize(Metadata metadata, VdiskRollbackSpec spec, RealizeContext context) {
        if (!context.provisioned()) {
            PooledVolume vdisk = context.require(vdisk(spec), PooledVolume.class);
            PooledVolume snapshot = context.require(snapshot(spec), PooledVolume.class);
            if (vdisk.pool() != snapshot.pool()) {
                throw new ResourceException(
                        ErrorCode.INVALID,
                        "snapshot %s is in another pool than vDisk %s"
                                .formatted(spec.snapshot(), spec.vdisk()));
            }
            ExclusiveUse.Claim claim =
                    context.require(vdisk(spec), ExclusiveUse.class)
                            .claimOnceFree("rollback " + metadata.name(), false);
            try {
                vdisk.pool().rollback(vdisk.volumeName(), snapshot.volumeName());
            } finally {
                claim.release();
            }
        }
        return Passive.RECORD;
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            VdiskRollbackSpec oldSpec,
            VdiskRollbackSpec newSpec,
            RealizeContext context) {
        return UpdateResult.IN_PLACE;
    }
}
