package io.vireo.adapter.directory;

import io.vireo.adapter.file.HostIoSource;
import io.vireo.adapter.file.ImageDevice;
import io.vireo.adapter.file.ImageFile;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.PoolUsage;
import io.vireo.block.VolumeFormat;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.FileStat;
import io.vireo.linux.FileSystemStat;
import io.vireo.linux.PathCalls;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Quantity;
import io.vireo.resource.ResourceException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ToLongFunction;

/** A pool of sparse raw files in one directory. */
final class DirectoryPool implements BlockPool {
    private static final String SUFFIX = ".raw";
    private static final int PERMISSIONS = 0600;
    private static final long SPACE_VALID_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final Path path;
    private final Fd directory;
    private final HostIoSource engines;
    private final boolean directIo;
    private final AtomicBoolean asking = new AtomicBoolean();
    private volatile PoolSpace space;
    private volatile long spaceTime;
    private volatile Runnable full = () -> {};

    /** What is open, by the names of the files; one is closed after it was taken out. */
    private final Map<String, ImageFile> images = new ConcurrentHashMap<>();

    DirectoryPool(Path path, Fd directory, HostIoSource engines, boolean directIo)
            throws ErrnoException {
        this.path = path;
        this.directory = directory;
        this.engines = engines;
        this.directIo = directIo;
        this.space = measure();
        this.spaceTime = System.nanoTime();
    }

    @Override
    public String location() {
        return path.toString();
    }

    @Override
    public void create(String volume, VolumeFormat format) {
        String name = volume + SUFFIX;
        try (Fd file = createFile(name)) {
            try {
                FileCalls.ftruncate(file, format.capacity());
                sync(file, name);
                sync(directory, path.toString());
            } catch (ErrnoException e) {
                PathCalls.unlinkat(directory.number(), name);
                throw e;
            }
        } catch (ErrnoException e) {
            throw failure("vDisk " + volume + " cannot be made in " + path, e);
        }
    }

    /** Makes the file, or takes over one that holds no data: an attempt that was cut off. */
    private Fd createFile(String name) throws ErrnoException {
        int flags = PathCalls.O_RDWR | PathCalls.O_NOFOLLOW | PathCalls.O_NONBLOCK;
        try {
            int exclusive = flags | PathCalls.O_CREAT | PathCalls.O_EXCL;
            return ImageFile.openConfined(directory, name, exclusive, PERMISSIONS);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.EEXIST) {
                throw e;
            }
        }
        if (written(name)) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    path.resolve(name)
                            + " exists already and holds data; move it away, or give the vDisk another name");
        }
        return ImageFile.openConfined(directory, name, flags, 0);
    }

    /** Whether there is something under this name that is not an empty sparse file. */
    private boolean written(String name) throws ErrnoException {
        FileStat stat = FileStat.of(directory.number(), name);
        return !stat.isRegular() || stat.blocks() > 0;
    }

    @Override
    public BlockVolume open(String volume, VolumeFormat format) {
        String name = volume + SUFFIX;
        try {
            var image = ImageFile.open(directory, name, directIo, format.logicalBlockSize());
            try {
                return fit(image, volume, format);
            } catch (ErrnoException | ResourceException e) {
                image.close();
                throw e;
            }
        } catch (ErrnoException e) {
            throw openFailure(volume, path.resolve(name), e);
        }
    }

    private Volume fit(ImageFile image, String volume, VolumeFormat format) throws ErrnoException {
        if (image.capacity() > format.capacity()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    path.resolve(image.name())
                            + " has "
                            + new Quantity(image.capacity())
                            + ", more than the vDisk: set the size of Vdisk/"
                            + volume
                            + " to that");
        }
        var device =
                new ImageDevice(
                        image, engines, format.logicalBlockSize(), format.physicalBlockSize());
        device.onNoSpace(() -> full.run());
        if (image.capacity() < format.capacity()) {
            device.grow(format.capacity());
        }
        images.put(image.name(), image);
        return new Volume(image, device);
    }

    private static ResourceException openFailure(String volume, Path file, ErrnoException e) {
        return switch (e.errno()) {
            case Errno.ENOENT ->
                    new ResourceException(
                            ErrorCode.UNAVAILABLE,
                            file
                                    + ", the data of vDisk "
                                    + volume
                                    + ", is gone; put it back, or delete the Vdisk",
                            e);
            case Errno.EAGAIN ->
                    new ResourceException(
                            ErrorCode.IN_USE,
                            file
                                    + " is locked by another process, or another pool, that has it open; stop that one, or take it out there",
                            e);
            case Errno.ENOTBLK, Errno.ELOOP, Errno.EXDEV ->
                    new ResourceException(
                            ErrorCode.CONFLICT,
                            file + " is no regular file; move it away and put the image back",
                            e);
            default -> failure(file + " cannot be opened", e);
        };
    }

    @Override
    public boolean exists(String volume) {
        String name = volume + SUFFIX;
        try {
            FileStat.of(directory.number(), name);
            return true;
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT) {
                return false;
            }
            throw failure(path.resolve(name) + " cannot be looked at", e);
        }
    }

    @Override
    public boolean keepsData() {
        return true;
    }

    @Override
    public void delete(String volume, boolean evenIfWritten) {
        String name = volume + SUFFIX;
        try {
            if (evenIfWritten || !written(name)) {
                refuseInUse(name);
                PathCalls.unlinkat(directory.number(), name);
                sync(directory, path.toString());
            }
        } catch (ErrnoException e) {
            if (e.errno() != Errno.ENOENT) {
                throw failure(path.resolve(name) + " cannot be deleted", e);
            }
        }
    }

    /** What another process has open is not taken from under it. */
    private void refuseInUse(String name) throws ErrnoException {
        if (!FileStat.of(directory.number(), name).isRegular()) {
            return;
        }
        int flags = PathCalls.O_RDWR | PathCalls.O_NOFOLLOW | PathCalls.O_NONBLOCK;
        try (Fd file = ImageFile.openConfined(directory, name, flags, 0)) {
            if (!FileCalls.tryLock(file, true)) {
                throw new ResourceException(
                        ErrorCode.IN_USE,
                        path.resolve(name)
                                + " is not deleted: another process has it open; stop that one");
            }
        }
    }

    @Override
    public OptionalLong allocated(String volume) {
        return look(volume + SUFFIX, DirectoryPool::allocated);
    }

    private static long allocated(ImageFile image) {
        try {
            return image.knownAllocated();
        } catch (ErrnoException e) {
            // Its file system is broken, which requests will tell.
            return 0;
        }
    }

    /** Asks an image something while it cannot be closed. */
    private OptionalLong look(String file, ToLongFunction<ImageFile> question) {
        var answer = new AtomicReference<>(OptionalLong.empty());
        images.computeIfPresent(
                file,
                (_, image) -> {
                    answer.setPlain(OptionalLong.of(question.applyAsLong(image)));
                    return image;
                });
        return answer.getPlain();
    }

    @Override
    public Optional<PoolUsage> usage() {
        long allocated = 0;
        long logical = 0;
        for (String file : images.keySet()) {
            allocated += look(file, DirectoryPool::allocated).orElse(0);
            logical += look(file, ImageFile::capacity).orElse(0);
        }
        return Optional.of(new PoolUsage(allocated, logical, allocated, 0));
    }

    @Override
    public PoolSpace space() {
        boolean old = System.nanoTime() - spaceTime > SPACE_VALID_NANOS;
        // A file system of the network may block for long: the answer comes from another thread.
        if (old && asking.compareAndSet(false, true)) {
            Thread.ofPlatform().name("vireo-statfs").daemon(true).start(this::refreshSpace);
        }
        return space;
    }

    @Override
    public void onFull(Runnable listener) {
        full = listener;
    }

    private void refreshSpace() {
        try {
            space = measure();
        } catch (ErrnoException e) {
            // What was known last stays.
        } finally {
            spaceTime = System.nanoTime();
            asking.set(false);
        }
    }

    private PoolSpace measure() throws ErrnoException {
        FileSystemStat stat = FileSystemStat.of(directory);
        return new PoolSpace(stat.totalBytes(), stat.availableBytes());
    }

    @Override
    public void close() {
        directory.close();
    }

    private static void sync(Fd file, String name) throws ErrnoException {
        int result = FileCalls.fsync(file.number());
        if (result < 0) {
            throw new ErrnoException(-result, "fsync", name);
        }
    }

    static ResourceException failure(String what, ErrnoException e) {
        ErrorCode code =
                switch (e.errno()) {
                    case Errno.ENOSPC, Errno.EDQUOT, Errno.EFBIG, Errno.EMFILE ->
                            ErrorCode.EXHAUSTED;
                    case Errno.EACCES, Errno.EPERM, Errno.EROFS -> ErrorCode.PERMISSION_DENIED;
                    default -> ErrorCode.UNAVAILABLE;
                };
        return new ResourceException(code, what + advice(e), e);
    }

    private static String advice(ErrnoException e) {
        return switch (e.errno()) {
            case Errno.EFBIG -> ": its file system has no files that large; make the vDisk smaller";
            case Errno.ENOSPC ->
                    ": there is no room; free some there, or put the vDisk into another pool";
            case Errno.EDQUOT ->
                    ": the quota is used up; raise it, or put the vDisk into another pool";
            case Errno.EMFILE ->
                    ": the daemon has too many files open; raise its limit (LimitNOFILE of"
                            + " systemd)";
            case Errno.EACCES, Errno.EPERM ->
                    ": permission denied; let the daemon's user write there";
            case Errno.EROFS -> ": it is mounted read-only; mount it for writing";
            case Errno.EIO -> ": the disk below failed (EIO); the kernel's log says more";
            default -> " (" + e.errnoName() + ")";
        };
    }

    private final class Volume implements BlockVolume {
        private final ImageFile image;
        private final ImageDevice device;

        Volume(ImageFile image, ImageDevice device) {
            this.image = image;
            this.device = device;
        }

        @Override
        public BlockDevice device() {
            return device;
        }

        @Override
        public void grow(long capacity) {
            try {
                device.grow(capacity);
            } catch (ErrnoException e) {
                String what =
                        capacity < image.capacity() ? " cannot shrink to " : " cannot grow to ";
                throw failure(image.name() + what + new Quantity(capacity), e);
            }
        }

        @Override
        public void rename(String newName) {
            if (exists(newName)) {
                throw new ResourceException(
                        ErrorCode.CONFLICT,
                        path.resolve(newName + SUFFIX)
                                + " exists already; move it away, or give the vDisk another name");
            }
            try {
                images.remove(image.name());
                image.rename(newName + SUFFIX);
                sync(directory, path.toString());
            } catch (ErrnoException e) {
                throw failure(image.name() + " cannot be renamed to " + newName + SUFFIX, e);
            } finally {
                images.put(image.name(), image);
            }
        }

        @Override
        public String trouble() {
            return image.failed()
                    ? "a flush failed, acknowledged writes may be lost: check the host's disk, then the guest's file system, and restart Vireo"
                    : "";
        }

        @Override
        public void close() {
            images.remove(image.name());
            image.close();
        }
    }
}
