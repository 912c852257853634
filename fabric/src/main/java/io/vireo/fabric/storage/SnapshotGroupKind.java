package io.vireo.fabric.storage;

import io.vireo.resource.Column;
import io.vireo.resource.Metadata;
import io.vireo.resource.Passive;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.SnapshotGroupSpec;
import java.util.List;

/**
 * Snapshots of several vDisks at one moment. A Snapshot takes one out, which belongs to it from
 * then on; the rest goes with the group.
 */
public final class SnapshotGroupKind implements ResourceKind<SnapshotGroupSpec> {
    @Override
    public String kind() {
        return Kinds.SNAPSHOT_GROUP;
    }

    @Override
    public String plural() {
        return "snapshotgroups";
    }

    @Override
    public List<String> shortNames() {
        return List.of("snapgroup");
    }

    @Override
    public String description() {
        return "Snapshots of several virtual disks at one moment. A Snapshot takes one of them out by name.";
    }

    @Override
    public Class<SnapshotGroupSpec> specType() {
        return SnapshotGroupSpec.class;
    }

    @Override
    public List<Reference> references(SnapshotGroupSpec spec) {
        return GroupedVolumes.references(spec.vdisks());
    }

    @Override
    public List<Violation> validate(Metadata metadata, SnapshotGroupSpec spec) {
        return GroupedVolumes.validate(spec.vdisks());
    }

    @Override
    public List<Violation> validateUpdate(
            Metadata metadata, SnapshotGroupSpec oldSpec, SnapshotGroupSpec newSpec) {
        return Violation.ofChange("/spec/vdisks", oldSpec, newSpec, "make another group");
    }

    @Override
    public List<Column<SnapshotGroupSpec>> columns() {
        return List.of(Column.of("VDISKS", (spec, _) -> String.join(",", spec.vdisks())));
    }

    @Override
    public Realization realize(Metadata metadata, SnapshotGroupSpec spec, RealizeContext context) {
        var volumes = GroupedVolumes.of(spec.vdisks(), context);
        if (!context.provisioned()) {
            volumes.pool().createGroup(metadata.name(), volumes.volumes());
        }
        return Passive.RECORD;
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            SnapshotGroupSpec oldSpec,
            SnapshotGroupSpec newSpec,
            RealizeContext context) {
        return UpdateResult.IN_PLACE;
    }

    @Override
    public void destroy(Metadata metadata, SnapshotGroupSpec spec, RealizeContext context) {
        GroupedVolumes.of(spec.vdisks(), context)
                .pools()
                .forEach(pool -> pool.deleteGroup(metadata.name()));
    }
}
