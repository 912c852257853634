package io.vireo.linux;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * Calls that resolve names. A path is relative to an open directory, or to the working directory
 * with {@link #AT_FDCWD}; a name that comes from outside goes through {@link #openat2} with
 * RESOLVE_BENEATH and RESOLVE_NO_SYMLINKS.
 */
public final class PathCalls {
    // linux/fcntl.h
    public static final int AT_FDCWD = -100;
    // asm-generic/fcntl.h, asm/fcntl.h
    public static final int O_RDONLY = 0;
    public static final int O_WRONLY = 1;
    public static final int O_RDWR = 2;
    public static final int O_CREAT = 0x40;
    public static final int O_EXCL = 0x80;
    public static final int O_TRUNC = 0x200;
    public static final int O_NONBLOCK = 0x800;
    public static final int O_DSYNC = 0x1000;
    public static final int O_DIRECT = Syscall.AARCH64 ? 0x10000 : 0x4000;
    public static final int O_DIRECTORY = Syscall.AARCH64 ? 0x4000 : 0x10000;
    public static final int O_NOFOLLOW = Syscall.AARCH64 ? 0x8000 : 0x20000;
    public static final int O_CLOEXEC = 0x80000;
    public static final int O_PATH = 0x200000;
    // linux/openat2.h
    public static final int RESOLVE_NO_XDEV = 1;
    public static final int RESOLVE_NO_MAGICLINKS = 2;
    public static final int RESOLVE_NO_SYMLINKS = 4;
    public static final int RESOLVE_BENEATH = 8;
    public static final int RESOLVE_IN_ROOT = 16;
    // linux/fs.h
    public static final int RENAME_NOREPLACE = 1;
    public static final int RENAME_EXCHANGE = 2;

    private PathCalls() {}

    /** Opens a path as the process sees it, closed on exec. */
    public static Fd open(Path path, int flags, int mode) throws ErrnoException {
        return openat2(AT_FDCWD, path.toString(), flags, mode, 0);
    }

    /**
     * Opens a path under restrictions, closed on exec.
     *
     * @param directory an open directory or AT_FDCWD
     * @param path relative to the directory
     * @param flags O constants
     * @param mode permission bits for O_CREAT, 0 without
     * @param resolve RESOLVE constants
     * @throws ErrnoException EXDEV where the path leaves the directory, ELOOP for a symbolic link
     *     that was forbidden
     */
    public static Fd openat2(int directory, String path, int flags, int mode, int resolve)
            throws ErrnoException {
        try (NativeBuffer name = NativeBuffer.string(path);
                NativeBuffer how = NativeBuffer.scratch(Layouts.OpenHow.SIZE)) {
            ForeignMemory.putLong(how.address() + Layouts.OpenHow.FLAGS, flags | O_CLOEXEC);
            ForeignMemory.putLong(how.address() + Layouts.OpenHow.MODE, mode);
            ForeignMemory.putLong(how.address() + Layouts.OpenHow.RESOLVE, resolve);
            long result =
                    Syscall.call(
                            Syscall.OPENAT2,
                            directory,
                            name.address(),
                            how.address(),
                            Layouts.OpenHow.SIZE);
            return Fd.of((int) Syscall.check(result, "openat2", path));
        }
    }

    /** Removes the name of something that is no directory. */
    public static void unlinkat(int directory, String path) throws ErrnoException {
        onPath(Syscall.UNLINKAT, "unlinkat", directory, path, 0, 0, 0);
    }

    /** Makes a directory. */
    public static void mkdirat(int directory, String path, int mode) throws ErrnoException {
        onPath(Syscall.MKDIRAT, "mkdirat", directory, path, mode, 0, 0);
    }

    /** Sets the permission bits of what a path leads to. */
    public static void chmod(int directory, String path, int mode) throws ErrnoException {
        onPath(Syscall.FCHMODAT, "fchmodat", directory, path, mode, 0, 0);
    }

    /** Sets owner and group, of a symbolic link itself if it is one; -1 leaves one as it is. */
    public static void chown(int directory, String path, int uid, int gid) throws ErrnoException {
        onPath(
                Syscall.FCHOWNAT,
                "fchownat",
                directory,
                path,
                uid,
                gid,
                Constants.AT_SYMLINK_NOFOLLOW);
    }

    /** Renames atomically; flags are RENAME constants. */
    public static void renameat(
            int fromDirectory, String from, int toDirectory, String to, int flags)
            throws ErrnoException {
        onTwoPaths(Syscall.RENAMEAT2, "renameat2", fromDirectory, from, toDirectory, to, flags);
    }

    /** Returns what a symbolic link says. */
    public static String readlinkat(int directory, String path) throws ErrnoException {
        int capacity = 4096;
        try (NativeBuffer name = NativeBuffer.string(path);
                NativeBuffer target = NativeBuffer.scratch(capacity)) {
            long result =
                    Syscall.call(
                            Syscall.READLINKAT,
                            directory,
                            name.address(),
                            target.address(),
                            capacity);
            byte[] bytes = new byte[(int) Syscall.check(result, "readlinkat", path)];
            ForeignMemory.copyToArray(target.address(), bytes, 0, bytes.length);
            return new String(bytes, StandardCharsets.UTF_8);
        }
    }

    /**
     * Returns what a descriptor of this process stands for: a path, or a name such as {@code
     * "anon_inode:[eventfd]"}.
     */
    public static String descriptorTarget(int fd) throws ErrnoException {
        return readlinkat(AT_FDCWD, "/proc/self/fd/" + fd);
    }

    private static void onPath(
            int number, String call, int directory, String path, long a, long b, long c)
            throws ErrnoException {
        try (NativeBuffer name = NativeBuffer.string(path)) {
            Syscall.check(Syscall.call(number, directory, name.address(), a, b, c), call, path);
        }
    }

    private static void onTwoPaths(
            int number,
            String call,
            int fromDirectory,
            String from,
            int toDirectory,
            String to,
            int flags)
            throws ErrnoException {
        try (NativeBuffer source = NativeBuffer.string(from);
                NativeBuffer target = NativeBuffer.string(to)) {
            long result =
                    Syscall.call(
                            number,
                            fromDirectory,
                            source.address(),
                            toDirectory,
                            target.address(),
                            flags);
            Syscall.check(result, call, from + " -> " + to);
        }
    }
}
