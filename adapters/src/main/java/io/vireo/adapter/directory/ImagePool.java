package io.vireo.adapter.directory;

import io.vireo.adapter.file.HostIoSource;
import io.vireo.adapter.file.ImageDevice;
import io.vireo.adapter.file.ImageFile;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeFormat;
import io.vireo.linux.Fd;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * A pool whose one vDisk is a disk or file of the host, byte for byte. It is locked for as long as
 * the pool is open. What others made is never deleted, made longer, or formatted.
 */
final class ImagePool implements BlockPool {
    private final Path path;
    private final Fd folder;
    private final ImageFile image;
    private final HostIoSource engines;
    private final int sector;
    private volatile Runnable full = () -> {};
    private String user = "";

    ImagePool(Path path, Fd folder, ImageFile image, HostIoSource engines, int sector) {
        this.path = path;
        this.folder = folder;
        this.image = image;
        this.engines = engines;
        this.sector = sector;
    }

    @Override
    public String location() {
        return path.toString();
    }

    @Override
    public void create(String volume, VolumeFormat format) {
        if (volume.indexOf('.') >= 0) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    "%s is one vDisk as it is, and nothing is copied to it: use a pool of type disks or directory"
                            .formatted(path));
        }
        check(volume, format);
    }

    private void check(String volume, VolumeFormat format) {
        if (!user.isEmpty()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "%s is vDisk %s already, and no other one: delete that first"
                            .formatted(path, user));
        }
        if (format.capacity() != image.capacity()) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "%s has %d bytes: set the size of Vdisk/%s to that, without a suffix"
                            .formatted(path, image.capacity(), volume));
        }
        if (format.logicalBlockSize() % sector != 0) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "%s has blocks of %d bytes: set the blockSize of Vdisk/%s to that"
                            .formatted(path, sector, volume));
        }
    }

    @Override
    public BlockVolume open(String volume, VolumeFormat format) {
        check(volume, format);
        var device =
                new ImageDevice(
                        image, engines, format.logicalBlockSize(), format.physicalBlockSize());
        device.onNoSpace(() -> full.run());
        user = volume;
        return new Volume(device);
    }

    @Override
    public boolean exists(String volume) {
        return user.equals(volume);
    }

    @Override
    public boolean keepsData() {
        return true;
    }

    @Override
    public void delete(String volume, boolean evenIfWritten) {
        // It was there before, and stays.
    }

    /** It has no room but for what is on it. */
    @Override
    public PoolSpace space() {
        return new PoolSpace(0, 0);
    }

    @Override
    public OptionalLong diskBytes() {
        return OptionalLong.of(image.capacity());
    }

    @Override
    public void onFull(Runnable listener) {
        full = listener;
    }

    @Override
    public void close() {
        image.close();
        folder.close();
    }

    private final class Volume implements BlockVolume {
        private final ImageDevice device;

        Volume(ImageDevice device) {
            this.device = device;
        }

        @Override
        public BlockDevice device() {
            return device;
        }

        @Override
        public void grow(long capacity) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    path + " is a vDisk as it is and does not grow: move it to another pool first");
        }

        @Override
        public void rename(String newName) {
            throw new ResourceException(
                    ErrorCode.UNSUPPORTED,
                    path + " is a vDisk as it is: move it to another pool first");
        }

        @Override
        public String trouble() {
            return image.failed()
                    ? "a flush failed, acknowledged writes may be lost: check the host's disk, then the guest's file system, and restart Vireo"
                    : "";
        }

        @Override
        public void close() {
            user = "";
        }
    }
}
