package io.vireo.fabric.storage;

import io.vireo.block.BlockVolume;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.fabric.storage.pool.VolumeInfo;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Quantity;
import io.vireo.resource.ResourceException;
import java.util.Optional;

/**
 * How volumes of a pool on disks come about, are opened and go. Methods do what those of {@link
 * io.vireo.block.BlockPool} say.
 */
final class DisksVolumes {
    private final StoragePool pool;
    private final DisksCatalog catalog;
    private final Runnable changed;

    /** Whether volumes with data in them are taken over by those who get their names. */
    private volatile boolean adopting;

    /**
     * @param changed called when a volume is used or gone
     */
    DisksVolumes(StoragePool pool, DisksCatalog catalog, Runnable changed) {
        this.pool = pool;
        this.catalog = catalog;
        this.changed = changed;
    }

    /** See {@link DisksPool#adopt}. */
    void adopt(boolean on) {
        adopting = on;
    }

    void create(String volume, VolumeFormat format) {
        if (isNew(volume, format)) {
            pool.createVolume(volume, format);
        } else {
            checkFormat(volume, format);
        }
    }

    void createThick(String volume, VolumeFormat format) {
        if (isNew(volume, format)) {
            pool.createDedicatedVolume(volume, format);
        } else {
            checkFormat(volume, format);
        }
    }

    /** What is on a disk depends on its blocks, and has checksums or not. */
    private void checkFormat(String volume, VolumeFormat format) {
        int block = pool.device(volume).geometry().logicalBlockSize();
        if (block != format.logicalBlockSize()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "vDisk %s is in the pool with blocks of %d bytes: set its blockSize to that"
                            .formatted(volume, block));
        }
        boolean checksums = catalog.madeVolume(volume).checksums();
        if (checksums != format.checksums()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "vDisk %s is in the pool %s checksums: set its spec.checksums to %s"
                            .formatted(volume, checksums ? "with" : "without", checksums));
        }
    }

    /** Whether there is nothing of that name; false if what there is holds no data. */
    private boolean isNew(String volume, VolumeFormat format) {
        Optional<VolumeInfo> there = catalog.find(volume);
        boolean other = there.filter(each -> each.encrypted() != format.encrypted()).isPresent();
        if (there.isPresent() && adopting) {
            if (other) {
                throw new ResourceException(
                        ErrorCode.CONFLICT,
                        "vDisk %s is in the pool %s: set its encrypted to %s"
                                .formatted(
                                        volume,
                                        format.encrypted() ? "unencrypted" : "encrypted",
                                        !format.encrypted()));
            }
            return false;
        }
        if (there.isPresent() && there.get().mappedBytes() > 0) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "the pool holds a vDisk "
                            + volume
                            + " with data in it already; give this one another name");
        }
        if (other) {
            // Left behind by an attempt that was to be otherwise; there is nothing in it.
            pool.delete(volume);
        }
        return there.isEmpty() || other;
    }

    void createFrom(String snapshot, String volume, VolumeFormat format) {
        VolumeInfo source = catalog.madeSnapshot(snapshot);
        if (source.capacity() > format.capacity()) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "snapshot %s has %s, more than the vDisk: set its size to that or more"
                            .formatted(snapshot, new Quantity(source.capacity())));
        }
        if (format.checksums() && !source.checksums()) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "snapshot %s has no checksums, and what begins as it has none: leave spec.checksums out"
                            .formatted(snapshot));
        }
        Optional<VolumeInfo> there = catalog.find(volume);
        if (there.isEmpty()) {
            pool.cloneVolume(DisksCatalog.snapshot(snapshot), volume);
        } else if (there.get().origin() != source.id()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "the pool holds a vDisk "
                            + volume
                            + " already, which was not made of snapshot "
                            + snapshot
                            + "; give this one another name");
        }
    }

    BlockVolume open(String volume, VolumeFormat format) {
        VolumeInfo there = catalog.madeVolume(volume);
        if (there.capacity() > format.capacity()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "vDisk %s has %d bytes, more than its size says: set it to that"
                            .formatted(volume, there.capacity()));
        }
        if (there.capacity() < format.capacity()) {
            pool.grow(volume, format.capacity());
        }
        return opened(volume);
    }

    BlockVolume openSnapshot(String snapshot) {
        var _ = catalog.madeSnapshot(snapshot);
        return opened(DisksCatalog.snapshot(snapshot));
    }

    private BlockVolume opened(String name) {
        var volume = new DisksVolume(pool, name);
        changed.run();
        return volume;
    }

    void delete(String volume, boolean evenIfWritten) {
        Optional<VolumeInfo> there = catalog.find(volume);
        if (there.isPresent() && (evenIfWritten || there.get().mappedBytes() == 0)) {
            pool.delete(volume);
            changed.run();
        }
    }
}
