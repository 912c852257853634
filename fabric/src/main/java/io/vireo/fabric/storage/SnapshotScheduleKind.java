package io.vireo.fabric.storage;

import io.vireo.block.BlockPool;
import io.vireo.block.SnapshotGroup;
import io.vireo.resource.Column;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.SnapshotScheduleSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/** Snapshots again and again, of which the latest are kept. Deleting it deletes them. */
public final class SnapshotScheduleKind implements ResourceKind<SnapshotScheduleSpec> {
    /** With the time and a vDisk's name it is the name of a volume, which has 128 bytes. */
    private static final int MAX_NAME = 40;

    @Override
    public String kind() {
        return Kinds.SNAPSHOT_SCHEDULE;
    }

    @Override
    public String plural() {
        return "snapshotschedules";
    }

    @Override
    public List<String> shortNames() {
        return List.of("schedule");
    }

    @Override
    public String description() {
        return "Snapshots of virtual disks again and again, of which the latest are kept. They are deleted with it, but for those that a Snapshot took out.";
    }

    @Override
    public Class<SnapshotScheduleSpec> specType() {
        return SnapshotScheduleSpec.class;
    }

    @Override
    public List<Reference> references(SnapshotScheduleSpec spec) {
        return GroupedVolumes.references(spec.vdisks());
    }

    @Override
    public List<Violation> validate(Metadata metadata, SnapshotScheduleSpec spec) {
        var violations = new ArrayList<>(GroupedVolumes.validate(spec.vdisks()));
        if (metadata.name().length() > MAX_NAME) {
            violations.add(
                    new Violation(
                            "/metadata/name",
                            "has at most " + MAX_NAME + " characters: the time comes behind it"));
        }
        if (spec.offsetMinutes() >= spec.everyMinutes()) {
            violations.add(new Violation("/spec/offsetMinutes", "must be less than everyMinutes"));
        }
        return violations;
    }

    @Override
    public List<Column<SnapshotScheduleSpec>> columns() {
        return List.of(
                Column.of("VDISKS", (spec, _) -> String.join(",", spec.vdisks())),
                Column.of("KEEP", (spec, _) -> Integer.toString(spec.keep())),
                Column.attribute("KEPT", SnapshotSchedule.KEPT),
                Column.attribute("LAST", SnapshotSchedule.LAST),
                Column.attribute("NEXT", SnapshotSchedule.NEXT));
    }

    @Override
    public Realization realize(
            Metadata metadata, SnapshotScheduleSpec spec, RealizeContext context) {
        var volumes = GroupedVolumes.of(spec.vdisks(), context);
        if (!context.provisioned()) {
            var _ = volumes.pool();
        }
        return SnapshotSchedule.start(metadata.name(), volumes, spec, context.statusChanged());
    }

    @Override
    public Optional<String> restarts(SnapshotScheduleSpec oldSpec, SnapshotScheduleSpec newSpec) {
        return !oldSpec.vdisks().equals(newSpec.vdisks())
                ? Optional.of("it is of other vDisks from now on")
                : Optional.empty();
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            SnapshotScheduleSpec oldSpec,
            SnapshotScheduleSpec newSpec,
            RealizeContext context) {
        ((SnapshotSchedule) running).change(newSpec);
        return UpdateResult.IN_PLACE;
    }

    @Override
    public void destroy(Metadata metadata, SnapshotScheduleSpec spec, RealizeContext context) {
        Pattern ours = SnapshotSchedule.groupsOf(metadata.name());
        for (BlockPool pool : GroupedVolumes.of(spec.vdisks(), context).pools()) {
            for (SnapshotGroup group : pool.groups(metadata.name() + "-")) {
                if (ours.matcher(group.name()).matches()) {
                    pool.deleteGroup(group.name());
                }
            }
        }
    }
}
