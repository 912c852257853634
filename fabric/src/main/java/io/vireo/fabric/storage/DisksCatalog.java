package io.vireo.fabric.storage;

import io.vireo.block.BlockGeometry;
import io.vireo.block.PoolContent;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.fabric.storage.pool.VolumeInfo;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Supplier;

/**
 * What is in a pool on disks. Snapshots have names of their own: they are volumes of the pool with
 * a sign before their names that no vDisk's name can have.
 */
final class DisksCatalog {
    private static final String SNAPSHOT = "@";
    private static final int LARGEST = 3;

    private final StoragePool pool;
    private final Supplier<List<VolumeInfo>> seen;
    private final Supplier<String> location;

    /**
     * @param seen the volumes as they were seen last, without waiting
     * @param location of the pool, for people
     */
    DisksCatalog(StoragePool pool, Supplier<List<VolumeInfo>> seen, Supplier<String> location) {
        this.pool = pool;
        this.seen = seen;
        this.location = location;
    }

    /** The name that a snapshot has as a volume. */
    static String snapshot(String name) {
        return SNAPSHOT + name;
    }

    private static String name(String volume, boolean snapshot) {
        return snapshot ? snapshot(volume) : volume;
    }

    private static boolean isSnapshot(VolumeInfo volume) {
        return volume.name().startsWith(SNAPSHOT);
    }

    /** The name that people gave a volume or snapshot. */
    static String title(VolumeInfo volume) {
        return isSnapshot(volume) ? volume.name().substring(SNAPSHOT.length()) : volume.name();
    }

    Optional<VolumeInfo> find(String name) {
        return pool.volumes().stream().filter(volume -> volume.name().equals(name)).findFirst();
    }

    /**
     * A volume that was made.
     *
     * @throws ResourceException UNAVAILABLE if it is not there
     */
    VolumeInfo madeVolume(String name) {
        return find(name).orElseThrow(() -> gone(name));
    }

    Optional<VolumeInfo> findSnapshot(String name) {
        return find(snapshot(name));
    }

    /**
     * A snapshot that was made.
     *
     * @throws ResourceException UNAVAILABLE if it is not there
     */
    VolumeInfo madeSnapshot(String name) {
        return findSnapshot(name).orElseThrow(() -> gone(name));
    }

    private ResourceException gone(String name) {
        return new ResourceException(
                ErrorCode.UNAVAILABLE,
                "the pool on "
                        + location.get()
                        + " holds no "
                        + name
                        + ", though it was made; are these its disks? If it is lost, delete it here");
    }

    /** See {@link io.vireo.block.BlockPool#contents}. */
    List<PoolContent> contents() {
        List<VolumeInfo> volumes = pool.volumes();
        return volumes.stream().map(each -> content(each, volumes)).toList();
    }

    private PoolContent content(VolumeInfo volume, List<VolumeInfo> all) {
        BlockGeometry geometry = pool.device(volume.name()).geometry();
        boolean snapshot = isSnapshot(volume);
        return new PoolContent(
                title(volume),
                snapshot,
                all.stream()
                        .filter(each -> snapshot && each.id() == volume.origin())
                        .map(VolumeInfo::name)
                        .findFirst(),
                new VolumeFormat(
                        volume.capacity(),
                        geometry.logicalBlockSize(),
                        geometry.physicalBlockSize(),
                        volume.encrypted(),
                        volume.checksums()),
                volume.dedicated());
    }

    /** See {@link io.vireo.block.BlockPool#mapped}. */
    OptionalLong mapped(String volume, boolean snapshot) {
        String name = name(volume, snapshot);
        return seen.get().stream()
                .filter(each -> each.name().equals(name))
                .mapToLong(VolumeInfo::mappedBytes)
                .findFirst();
    }

    /** See {@link io.vireo.block.BlockPool#largest}. */
    List<String> largest() {
        return seen.get().stream()
                .filter(each -> each.mappedBytes() > 0)
                .sorted(Comparator.comparingLong(VolumeInfo::mappedBytes).reversed())
                .limit(LARGEST)
                .map(DisksCatalog::size)
                .toList();
    }

    private static String size(VolumeInfo volume) {
        String name = (volume.readOnly() ? "snapshot " : "vDisk ") + title(volume);
        return name + " (" + Capacity.text(volume.mappedBytes()) + ")";
    }

    /** See {@link io.vireo.block.BlockPool#isEncrypted}. */
    boolean isEncrypted(String volume, boolean snapshot) {
        return find(name(volume, snapshot)).filter(VolumeInfo::encrypted).isPresent();
    }
}
