package io.vireo.fabric.storage;

import io.vireo.block.SnapshotGroup;
import io.vireo.block.VolumeSnapshot;
import io.vireo.fabric.storage.pool.CopyOf;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.fabric.storage.pool.VolumeInfo;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Snapshots in a pool on disks, and groups of those that were made at one moment: these have the
 * name of the group before their own until they are taken out. Methods do what those of {@link
 * io.vireo.block.BlockPool} say.
 */
final class DisksSnapshots {
    private static final String GROUPED = "/";

    private final StoragePool pool;
    private final DisksCatalog catalog;
    private final Runnable changed;

    /**
     * @param changed called when there is less in the pool
     */
    DisksSnapshots(StoragePool pool, DisksCatalog catalog, Runnable changed) {
        this.pool = pool;
        this.catalog = catalog;
        this.changed = changed;
    }

    List<VolumeSnapshot> of(String volume) {
        return VolumeInfo.snapshotsOf(volume, pool.volumes()).stream()
                .map(each ->
                        new VolumeSnapshot(
                                DisksCatalog.title(each), Instant.ofEpochMilli(each.created())))
                .toList();
    }

    boolean has(String snapshot) {
        return catalog.findSnapshot(snapshot).isPresent();
    }

    void create(String volume, String snapshot, Instant made) {
        pool.copy(List.of(CopyOf.snapshot(volume, DisksCatalog.snapshot(snapshot), made)));
    }

    void create(String volume, String snapshot) {
        VolumeInfo source = catalog.madeVolume(volume);
        Optional<VolumeInfo> there = catalog.findSnapshot(snapshot);
        if (there.isEmpty()) {
            pool.snapshot(volume, DisksCatalog.snapshot(snapshot));
        } else if (there.get().origin() != source.id()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "the pool holds a snapshot "
                            + snapshot
                            + " of another vDisk already; give this one another name");
        }
    }

    void createGroup(String group, List<String> volumes) {
        var missing =
                volumes.stream()
                        .filter(each -> catalog.find(grouped(group, each)).isEmpty())
                        .toList();
        if (missing.size() == volumes.size()) {
            pool.copy(
                    volumes.stream()
                            .map(each -> CopyOf.snapshot(each, grouped(group, each)))
                            .toList());
        }
    }

    private static String grouped(String group, String volume) {
        return DisksCatalog.snapshot(group + GROUPED + volume);
    }

    void deleteGroup(String group) {
        for (VolumeInfo volume : pool.volumes()) {
            if (volume.name().startsWith(grouped(group, ""))) {
                pool.delete(volume.name());
            }
        }
    }

    List<SnapshotGroup> groups(String prefix) {
        var groups = new TreeMap<String, List<VolumeInfo>>();
        for (VolumeInfo volume : pool.volumes()) {
            String title = DisksCatalog.title(volume);
            int end = title.indexOf(GROUPED);
            if (volume.name().startsWith(DisksCatalog.snapshot(prefix)) && end > 0) {
                groups.computeIfAbsent(title.substring(0, end), _ -> new ArrayList<>()).add(volume);
            }
        }
        return groups.entrySet().stream()
                .map(each -> group(each.getKey(), each.getValue()))
                .sorted(Comparator.comparing(SnapshotGroup::made))
                .toList();
    }

    private static SnapshotGroup group(String name, List<VolumeInfo> volumes) {
        return new SnapshotGroup(
                name,
                Instant.ofEpochMilli(volumes.getFirst().created()),
                volumes.stream()
                        .map(volume -> volume.name().substring(grouped(name, "").length()))
                        .toList());
    }

    void takeOut(String group, String volume, String snapshot) {
        if (catalog.findSnapshot(snapshot).isPresent()) {
            // It was done, or there is another one of that name, which create finds out.
            create(volume, snapshot);
        } else if (catalog.find(grouped(group, volume)).isPresent()) {
            pool.rename(grouped(group, volume), DisksCatalog.snapshot(snapshot));
        } else {
            throw new ResourceException(
                    ErrorCode.NOT_READY,
                    "there is no snapshot of %s in %s: see 'vireo describe' of the group or schedule"
                            .formatted(volume, group));
        }
    }

    void rollback(String volume, String snapshot) {
        VolumeInfo target = catalog.madeVolume(volume);
        VolumeInfo to = catalog.madeSnapshot(snapshot);
        if (to.origin() != target.id() && target.origin() != to.id()) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "snapshot %s is none of vDisk %s, nor did that begin as it; make a vDisk of it instead"
                            .formatted(snapshot, volume));
        }
        pool.rollback(volume, DisksCatalog.snapshot(snapshot));
    }

    void delete(String snapshot) {
        if (catalog.findSnapshot(snapshot).isPresent()) {
            pool.delete(DisksCatalog.snapshot(snapshot));
            changed.run();
        }
    }
}
