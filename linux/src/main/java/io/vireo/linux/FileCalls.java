package io.vireo.linux;

/**
 * Calls on open files. Transfers take native addresses, return the number of bytes or -errno (short
 * counts and EINTR are the caller's to handle) and neither throw nor allocate; the others throw.
 */
public final class FileCalls {
    // linux/falloc.h
    public static final int FALLOC_FL_KEEP_SIZE = 1;
    public static final int FALLOC_FL_PUNCH_HOLE = 2;
    public static final int FALLOC_FL_ZERO_RANGE = 0x10;

    private FileCalls() {}

    /** Reads up to {@code length} bytes at the file's position into {@code address}. */
    public static long read(int fd, long address, long length) {
        return Syscall.call(Syscall.READ, fd, address, length);
    }

    /** Writes up to {@code length} bytes at the file's position from {@code address}. */
    public static long write(int fd, long address, long length) {
        return Syscall.call(Syscall.WRITE, fd, address, length);
    }

    /** Writes from {@code count} iovecs; see {@link IovecArray}. */
    public static long writev(int fd, long iovecs, int count) {
        return Syscall.call(Syscall.WRITEV, fd, iovecs, count);
    }

    /** Reads up to {@code length} bytes at {@code offset} of the file. */
    public static long pread(int fd, long address, long length, long offset) {
        return Syscall.call(Syscall.PREAD64, fd, address, length, offset);
    }

    /** Writes up to {@code length} bytes at {@code offset} of the file. */
    public static long pwrite(int fd, long address, long length, long offset) {
        return Syscall.call(Syscall.PWRITE64, fd, address, length, offset);
    }

    /** Reads at {@code offset} of the file into {@code count} iovecs. */
    public static long preadv(int fd, long iovecs, int count, long offset) {
        return Syscall.call(Syscall.PREADV, fd, iovecs, count, offset);
    }

    /** Writes at {@code offset} of the file from {@code count} iovecs. */
    public static long pwritev(int fd, long iovecs, int count, long offset) {
        return Syscall.call(Syscall.PWRITEV, fd, iovecs, count, offset);
    }

    /** Makes data and metadata durable. Returns 0 or -errno. */
    public static int fsync(int fd) {
        return (int) Syscall.call(Syscall.FSYNC, fd);
    }

    /** Makes data, and what is needed to find it, durable. Returns 0 or -errno. */
    public static int fdatasync(int fd) {
        return (int) Syscall.call(Syscall.FDATASYNC, fd);
    }

    /**
     * Allocates, punches or zeroes a range as the FALLOC constants in {@code mode} say. Returns 0
     * or -errno.
     */
    public static int fallocate(int fd, int mode, long offset, long length) {
        return (int) Syscall.call(Syscall.FALLOCATE, fd, mode, offset, length);
    }

    /** Sets the size in bytes; a longer file reads as zeros at its new end. */
    public static void ftruncate(Fd fd, long size) throws ErrnoException {
        Syscall.check(
                Syscall.call(Syscall.FTRUNCATE, fd.number(), size),
                "ftruncate",
                fd + ", size " + size);
    }

    /** Returns the status flags, O_NONBLOCK and the like. */
    public static int flags(int fd) throws ErrnoException {
        return (int)
                Syscall.check(
                        Syscall.call(Syscall.FCNTL, fd, Constants.F_GETFL),
                        "fcntl",
                        "F_GETFL, fd " + fd);
    }

    /**
     * Sets the status flags of the open file, which all descriptors of it share, those of a peer
     * included.
     */
    public static void setFlags(int fd, int flags) throws ErrnoException {
        Syscall.check(
                Syscall.call(Syscall.FCNTL, fd, Constants.F_SETFL, flags),
                "fcntl",
                "F_SETFL, fd " + fd);
    }

    /** Adds O_NONBLOCK to the open file. */
    public static void setNonBlocking(int fd) throws ErrnoException {
        setFlags(fd, flags(fd) | PathCalls.O_NONBLOCK);
    }

    /**
     * Tries to lock the whole file for this open file description (F_OFD_SETLK): it holds between
     * threads of one process too and goes when the last descriptor is closed.
     *
     * @return false if somebody else holds a conflicting lock
     */
    public static boolean tryLock(Fd fd, boolean exclusive) throws ErrnoException {
        int type = exclusive ? Constants.F_WRLCK : Constants.F_RDLCK;
        long result = setLock(fd, type);
        if (result == -Errno.EAGAIN || result == -Errno.EACCES) {
            return false;
        }
        Syscall.check(result, "fcntl", "F_OFD_SETLK, " + fd);
        return true;
    }

    /** Gives a lock back. */
    public static void unlock(Fd fd) throws ErrnoException {
        Syscall.check(setLock(fd, Constants.F_UNLCK), "fcntl", "F_OFD_SETLK, " + fd);
    }

    private static long setLock(Fd fd, int type) {
        try (NativeBuffer lock = NativeBuffer.scratch(Layouts.Flock.SIZE)) {
            // From 0 (SEEK_SET), length 0 = up to the end however far it grows; l_pid must be 0.
            ForeignMemory.putShort(lock.address() + Layouts.Flock.L_TYPE, (short) type);
            return Syscall.call(Syscall.FCNTL, fd.number(), Constants.F_OFD_SETLK, lock.address());
        }
    }
}
