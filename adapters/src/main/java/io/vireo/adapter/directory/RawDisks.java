package io.vireo.adapter.directory;

import io.vireo.adapter.file.HostIoSource;
import io.vireo.adapter.file.ImageDevice;
import io.vireo.adapter.file.ImageFile;
import io.vireo.block.HostDisks;
import io.vireo.linux.BlockIoctls;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.FileStat;
import io.vireo.linux.PathCalls;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.PoolSpec;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.OptionalLong;

/** Opens block devices and files by their paths, wherever they are. */
public final class RawDisks implements HostDisks {
    /** Blocks of a file; guests may ask for no smaller ones. */
    private static final int BLOCK = 512;

    private static final int PHYSICAL = 4096;
    private static final int HEAD = 1 << 20;
    private static final int PERMISSIONS = 0600;

    @Override
    public HostDisk open(Path path, OptionalLong make, PoolSpec.Backend backend, boolean directIo) {
        HostIoSource engines = DirectoryPoolProvider.engines(backend);
        try {
            if (make.isPresent() && !Files.exists(path)) {
                create(path, make.getAsLong());
            }
            // A name below /dev/disk is a symbolic link.
            Path real = path.toRealPath();
            Fd folder = ImageFile.openDirectory(folder(real));
            try {
                return longEnough(open(folder, real, engines, directIo), make);
            } catch (ErrnoException e) {
                folder.close();
                throw e;
            }
        } catch (ErrnoException e) {
            throw failure(path, e);
        } catch (IOException e) {
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    path + " is not there; attach the disk, mount or restore the file",
                    e);
        }
    }

    /** A file without data is as one that is not there. */
    private static Disk longEnough(Disk disk, OptionalLong size) {
        try {
            if (size.isPresent() && disk.isZeroed()) {
                disk.grow(size);
            }
            return disk;
        } catch (ResourceException e) {
            disk.close();
            throw e;
        }
    }

    private static Disk open(Fd folder, Path path, HostIoSource engines, boolean directIo)
            throws ErrnoException {
        String name = path.getFileName().toString();
        if (!FileStat.of(folder.number(), name).isBlockDevice()) {
            ImageFile image = ImageFile.open(folder, name, directIo, BLOCK);
            return new Disk(folder, image, new ImageDevice(image, engines, BLOCK, PHYSICAL));
        }
        int sector = sectorSize(folder, name);
        ImageFile image = ImageFile.openDevice(folder, name, directIo, sector);
        return new Disk(folder, image, new ImageDevice(image, engines, sector, PHYSICAL));
    }

    static int sectorSize(Fd folder, String name) throws ErrnoException {
        try (Fd fd = ImageFile.openConfined(folder, name, PathCalls.O_RDONLY, 0)) {
            return BlockIoctls.logicalSectorSize(fd);
        }
    }

    /** Makes a sparse file, and it and its name durable. */
    private static void create(Path path, long size) throws ErrnoException, IOException {
        Path parent = folder(path);
        Files.createDirectories(parent);
        try (Fd folder = ImageFile.openDirectory(parent);
                Fd file =
                        ImageFile.openConfined(
                                folder,
                                path.getFileName().toString(),
                                PathCalls.O_RDWR | PathCalls.O_CREAT | PathCalls.O_EXCL,
                                PERMISSIONS)) {
            FileCalls.ftruncate(file, size);
            sync(file, path);
            sync(folder, parent);
        }
    }

    static Path folder(Path path) {
        return Objects.requireNonNull(path.getParent(), "the root directory is no disk");
    }

    private static void sync(Fd fd, Path path) throws ErrnoException {
        int result = FileCalls.fsync(fd.number());
        if (result < 0) {
            throw new ErrnoException(-result, "fsync", path.toString());
        }
    }

    static ResourceException failure(Path path, ErrnoException e) {
        return switch (e.errno()) {
            case Errno.EAGAIN ->
                    new ResourceException(
                            ErrorCode.IN_USE,
                            path
                                    + " is locked by another process, or another pool, that has it open; stop that one, or take it out there",
                            e);
            case Errno.EBUSY ->
                    new ResourceException(
                            ErrorCode.IN_USE,
                            path
                                    + " is mounted, or part of a volume group or RAID; name a disk that is free",
                            e);
            case Errno.ENOTBLK ->
                    new ResourceException(
                            ErrorCode.INVALID,
                            path + " is neither a block device nor a regular file",
                            e);
            case Errno.EACCES, Errno.EPERM, Errno.EROFS ->
                    new ResourceException(
                            ErrorCode.PERMISSION_DENIED,
                            path + " cannot be opened for writing; give Vireo access to it",
                            e);
            case Errno.ENOSPC, Errno.EDQUOT, Errno.EFBIG ->
                    new ResourceException(
                            ErrorCode.EXHAUSTED,
                            path
                                    + " cannot be made: its file system has no room for a file of"
                                    + " that size; make room or choose a smaller size",
                            e);
            default ->
                    new ResourceException(
                            ErrorCode.UNAVAILABLE,
                            "%s cannot be opened (%s); the kernel's log may say why"
                                    .formatted(path, e.errnoName()),
                            e);
        };
    }

    private record Disk(Fd folder, ImageFile image, ImageDevice device) implements HostDisk {
        @Override
        public boolean isBlank() {
            try {
                if (!image.isDevice()) {
                    return image.allocated() == 0;
                }
                for (byte each : image.head(HEAD)) {
                    if (each != 0) {
                        return false;
                    }
                }
                return true;
            } catch (ErrnoException e) {
                throw failure(Path.of(image.name()), e);
            }
        }

        @Override
        public boolean isZeroed() {
            try {
                return !image.isDevice() && image.allocated() == 0;
            } catch (ErrnoException e) {
                throw failure(Path.of(image.name()), e);
            }
        }

        @Override
        public boolean grow(OptionalLong size) {
            try {
                boolean longer = !image.isDevice() && size.orElse(0) > image.capacity();
                if (longer) {
                    device.grow(size.getAsLong());
                } else {
                    device.look();
                }
                return longer;
            } catch (ErrnoException e) {
                throw failure(Path.of(image.name()), e);
            }
        }

        @Override
        public void close() {
            image.close();
            folder.close();
        }
    }
}
