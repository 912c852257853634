package io.vireo.fabric.storage;

import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.PooledVolume;
import io.vireo.resource.Column;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.SnapshotSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;

/** A vDisk as it was when the snapshot was made: what clones begin as. */
public final class SnapshotKind implements ResourceKind<SnapshotSpec> {
    private static final String CAPACITY = "capacityBytes";

    @Override
    public String kind() {
        return Kinds.SNAPSHOT;
    }

    @Override
    public String plural() {
        return "snapshots";
    }

    @Override
    public List<String> shortNames() {
        return List.of("snap");
    }

    @Override
    public String description() {
        return "A virtual disk as it was when the snapshot was made. Other virtual disks can begin as it.";
    }

    @Override
    public Class<SnapshotSpec> specType() {
        return SnapshotSpec.class;
    }

    @Override
    public List<Reference> references(SnapshotSpec spec) {
        return List.of(vdisk(spec));
    }

    private static Reference vdisk(SnapshotSpec spec) {
        return new Reference(Kinds.VDISK, spec.vdisk());
    }

    @Override
    public List<Violation> validateUpdate(
            Metadata metadata, SnapshotSpec oldSpec, SnapshotSpec newSpec) {
        return oldSpec.equals(newSpec)
                ? List.of()
                : List.of(new Violation("/spec", "cannot change: make another snapshot"));
    }

    @Override
    public List<Column<SnapshotSpec>> columns() {
        return List.of(
                Column.of("VDISK", (spec, _) -> spec.vdisk()),
                Capacity.column("CAPACITY", CAPACITY),
                Capacity.column("ALLOCATED", Vdisk.ALLOCATED));
    }

    @Override
    public Realization realize(Metadata metadata, SnapshotSpec spec, RealizeContext context) {
        PooledVolume source = context.require(vdisk(spec), PooledVolume.class);
        BlockPool pool = source.pool();
        if (!context.provisioned()) {
            make(pool, source.volumeName(), metadata.name(), spec.from());
        }
        return new Running(metadata.name(), pool, pool.openSnapshot(metadata.name()));
    }

    private static void make(BlockPool pool, String volume, String name, Optional<String> from) {
        if (from.isPresent()) {
            pool.takeOut(from.get(), volume, name);
        } else {
            pool.createSnapshot(volume, name);
        }
    }

    @Override
    public UpdateResult update(
            Realization running,
            Metadata metadata,
            SnapshotSpec oldSpec,
            SnapshotSpec newSpec,
            RealizeContext context) {
        return UpdateResult.IN_PLACE;
    }

    @Override
    public void destroy(Metadata metadata, SnapshotSpec spec, RealizeContext context) {
        context.require(vdisk(spec), PooledVolume.class).pool().deleteSnapshot(metadata.name());
    }

    private record Running(String volumeName, BlockPool pool, BlockVolume volume)
            implements Realization, PooledVolume {
        @Override
        public <T> Optional<T> contract(Class<T> type) {
            return type == PooledVolume.class ? Optional.of(type.cast(this)) : Optional.empty();
        }

        @Override
        public Status status() {
            long capacity = volume.device().geometry().capacity();
            var attributes = new LinkedHashMap<String, String>();
            attributes.put(CAPACITY, Long.toString(capacity));
            pool.mapped(volumeName, true)
                    .ifPresent(bytes -> attributes.put(Vdisk.ALLOCATED, Long.toString(bytes)));
            return new Status(List.of(), attributes, List.of());
        }

        @Override
        public void close(Runnable onClosed) {
            volume.close();
            onClosed.run();
        }
    }
}
