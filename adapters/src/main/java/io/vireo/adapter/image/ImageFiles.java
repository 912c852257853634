package io.vireo.adapter.image;

import io.vireo.block.DiskImageReader;
import io.vireo.block.DiskImageWriter;
import io.vireo.block.DiskImages;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.FileStat;
import io.vireo.linux.PathCalls;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.DiskImageFormat;
import java.nio.file.Path;
import java.util.Objects;

/**
 * Images below one directory of the host; names cannot leave it, and symbolic links are refused.
 */
public final class ImageFiles implements DiskImages {
    private static final int CONFINED =
            PathCalls.RESOLVE_BENEATH
                    | PathCalls.RESOLVE_NO_SYMLINKS
                    | PathCalls.RESOLVE_NO_MAGICLINKS;

    /** What a file is called until it is finished. */
    private static final String UNFINISHED = ".vireo-part";

    private static final int PERMISSIONS = 0600;

    private final Path directory;

    /** Images below a directory, which need not be there yet. */
    public ImageFiles(Path directory) {
        this.directory = directory;
    }

    @Override
    public String location(String file) {
        return directory.resolve(file).toString();
    }

    @Override
    public DiskImageReader open(String file, DiskImageFormat format) {
        Path path = directory.resolve(file);
        try (Fd root = openDirectory()) {
            int flags = PathCalls.O_RDONLY | PathCalls.O_NONBLOCK;
            Fd fd = PathCalls.openat2(root.number(), file, flags, 0, CONFINED);
            FileStat stat = statOrClose(fd);
            if (!stat.isRegular()) {
                fd.close();
                throw HostFile.invalid(path.toString(), "is no regular file; give an image file");
            }
            return reader(new HostFile(fd, path.toString()), stat.size(), format);
        } catch (ErrnoException e) {
            throw failure(path + " cannot be opened", e);
        }
    }

    private static FileStat statOrClose(Fd fd) throws ErrnoException {
        try {
            return FileStat.of(fd);
        } catch (ErrnoException e) {
            fd.close();
            throw e;
        }
    }

    private static DiskImageReader reader(HostFile file, long size, DiskImageFormat format) {
        try {
            return switch (format) {
                case RAW -> new RawReader(file, size);
                case QCOW2 -> new Qcow2Reader(file, size);
            };
        } catch (RuntimeException e) {
            file.close();
            throw e;
        }
    }

    @Override
    public DiskImageWriter create(String file, DiskImageFormat format, long capacity) {
        Path path = directory.resolve(file);
        Path name = Path.of(file);
        try (Fd root = openDirectory()) {
            Fd parent = openParent(root, name);
            try {
                return create(parent, path, format, capacity);
            } catch (ErrnoException | RuntimeException e) {
                parent.close();
                throw e;
            }
        } catch (ErrnoException e) {
            throw failure(path + " cannot be made", e);
        }
    }

    private Fd openParent(Fd root, Path name) throws ErrnoException {
        Path parent = Objects.requireNonNullElse(name.getParent(), Path.of("."));
        try {
            return PathCalls.openat2(
                    root.number(),
                    parent.toString(),
                    PathCalls.O_RDONLY | PathCalls.O_DIRECTORY,
                    0,
                    CONFINED);
        } catch (ErrnoException e) {
            if (e.errno() != Errno.ENOENT) {
                throw e;
            }
            throw new ResourceException(
                    ErrorCode.UNAVAILABLE,
                    "there is no directory " + directory.resolve(parent).normalize() + ": make it",
                    e);
        }
    }

    private static DiskImageWriter create(
            Fd parent, Path path, DiskImageFormat format, long capacity) throws ErrnoException {
        String name = String.valueOf(path.getFileName());
        if (isThere(parent, name)) {
            throw taken(path);
        }
        String unfinished = name + UNFINISHED;
        Fd fd = openUnfinished(parent, unfinished, path);
        var target = new ImageTarget(parent, new HostFile(fd, path.toString()), unfinished, name);
        try {
            return switch (format) {
                case RAW -> new RawWriter(target, capacity);
                case QCOW2 -> new Qcow2Writer(target, capacity);
            };
        } catch (RuntimeException e) {
            target.close();
            throw e;
        }
    }

    /** Opens and empties the file, which nobody else is writing. */
    private static Fd openUnfinished(Fd parent, String name, Path path) throws ErrnoException {
        int flags = PathCalls.O_RDWR | PathCalls.O_CREAT | PathCalls.O_NOFOLLOW;
        Fd fd = PathCalls.openat2(parent.number(), name, flags, PERMISSIONS, CONFINED);
        try {
            // Another export may have had it, and have given it its name or removed it meanwhile.
            if (!FileCalls.tryLock(fd, true)
                    || !FileStat.of(parent.number(), name).isSameFile(FileStat.of(fd))) {
                throw new ResourceException(
                        ErrorCode.UNAVAILABLE,
                        path + " is being written by another export; give another file name");
            }
            FileCalls.ftruncate(fd, 0);
            return fd;
        } catch (ErrnoException | RuntimeException e) {
            fd.close();
            throw e;
        }
    }

    static ResourceException taken(Path path) {
        return new ResourceException(
                ErrorCode.CONFLICT,
                path + " exists already; move it away, or give another file name");
    }

    @Override
    public boolean exists(String file) {
        try (Fd root = openDirectory()) {
            Fd fd = PathCalls.openat2(root.number(), file, PathCalls.O_PATH, 0, CONFINED);
            fd.close();
            return true;
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT) {
                return false;
            }
            throw failure(directory.resolve(file) + " cannot be looked at", e);
        }
    }

    private static boolean isThere(Fd parent, String name) throws ErrnoException {
        try {
            FileStat.of(parent.number(), name);
            return true;
        } catch (ErrnoException e) {
            if (e.errno() == Errno.ENOENT) {
                return false;
            }
            throw e;
        }
    }

    private Fd openDirectory() throws ErrnoException {
        return PathCalls.open(directory, PathCalls.O_RDONLY | PathCalls.O_DIRECTORY, 0);
    }

    /** What a user is told of a failure of the host. */
    static ResourceException failure(String what, ErrnoException e) {
        ErrorCode code =
                switch (e.errno()) {
                    case Errno.ENOENT -> ErrorCode.UNAVAILABLE;
                    case Errno.ENOSPC, Errno.EDQUOT, Errno.EFBIG, Errno.EMFILE ->
                            ErrorCode.EXHAUSTED;
                    case Errno.EACCES, Errno.EPERM, Errno.EROFS, Errno.EXDEV, Errno.ELOOP ->
                            ErrorCode.PERMISSION_DENIED;
                    default -> ErrorCode.UNAVAILABLE;
                };
        String hint =
                switch (e.errno()) {
                    case Errno.ENOENT -> ": there is no such file or directory";
                    case Errno.EXDEV -> ": it is not below the directory of images";
                    case Errno.ELOOP -> ": symbolic links are not followed";
                    case Errno.EACCES, Errno.EPERM ->
                            ": permission denied; let the daemon's user read and write there";
                    case Errno.EROFS -> ": it is mounted read-only; mount it for writing";
                    case Errno.ENOSPC -> ": there is no room; free some there";
                    case Errno.EDQUOT -> ": the quota is used up; raise it";
                    case Errno.EFBIG -> ": its file system has no files that large";
                    case Errno.EMFILE ->
                            ": the daemon has too many files open; raise its limit (LimitNOFILE of"
                                    + " systemd)";
                    case Errno.EIO -> ": the disk below failed (EIO); the kernel's log says more";
                    default -> " (" + e.errnoName() + ")";
                };
        return new ResourceException(code, what + hint, e);
    }
}
