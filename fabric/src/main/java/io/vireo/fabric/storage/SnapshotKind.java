package io.vireo.fabric.storage;

import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.PooledVolume;
import io.vireo.resource.Column;
import io.vireo.resource.Condition;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.Status;
import io.vireo.resource.UpdateResult;
import io.vireo.resource.Violation;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.SnapshotSpec;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
        return Violation.ofChange("/spec", oldSpec, newSpec, "make another snapshot");
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
        if (!context.provisioned()) {
            make(source.pool(), source.volumeName(), metadata.name(), spec.from());
        }
        return new Running(metadata.name(), source);
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
        PooledVolume source = context.require(vdisk(spec), PooledVolume.class);
        // One of that name that another vDisk has is not what was asked for, and never was made.
        boolean ours =
                context.provisioned()
                        || source.pool().snapshotsOf(source.volumeName()).stream()
                                .anyMatch(each -> each.name().equals(metadata.name()));
        if (ours) {
            source.pool().deleteSnapshot(metadata.name());
        }
    }

    /** A snapshot, which is where its vDisk is. */
    private static final class Running implements Realization, PooledVolume {
        private final String name;
        private final PooledVolume source;

        // Guarded by this.
        private BlockPool pool;
        private BlockVolume volume;

        Running(String name, PooledVolume source) {
            this.name = name;
            this.source = source;
            pool = source.pool();
            volume = pool.openSnapshot(name);
        }

        @Override
        public String volumeName() {
            return name;
        }

        @Override
        public BlockPool pool() {
            follow();
            return source.pool();
        }

        /** Its vDisk may have moved, and it with it. */
        private synchronized BlockVolume follow() {
            BlockPool now = source.pool();
            if (now != pool) {
                BlockVolume next = now.openSnapshot(name);
                volume.close();
                pool = now;
                volume = next;
            }
            return volume;
        }

        @Override
        public <T> Optional<T> contract(Class<T> type) {
            return type == PooledVolume.class ? Optional.of(type.cast(this)) : Optional.empty();
        }

        @Override
        public Status status() {
            long capacity;
            try {
                capacity = follow().device().geometry().capacity();
            } catch (ResourceException e) {
                return new Status(
                        List.of(
                                new Condition(
                                        Condition.READY,
                                        false,
                                        "Unavailable",
                                        String.valueOf(e.getMessage()))),
                        Map.of(),
                        List.of());
            }
            var attributes = new LinkedHashMap<String, String>();
            attributes.put(CAPACITY, Long.toString(capacity));
            source.pool()
                    .mapped(name, true)
                    .ifPresent(bytes -> attributes.put(Vdisk.ALLOCATED, Long.toString(bytes)));
            return new Status(List.of(), attributes, List.of());
        }

        @Override
        public synchronized void close(Runnable onClosed) {
            volume.close();
            onClosed.run();
        }
    }
}
