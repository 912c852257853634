package io.vireo.linux;

/** Anonymous shared memory files, memfd_create(2), and their seals. */
public final class Memfd {
    // linux/memfd.h
    public static final int MFD_CLOEXEC = 1;
    public static final int MFD_ALLOW_SEALING = 2;
    public static final int MFD_HUGETLB = 4;
    // linux/fcntl.h
    public static final int F_SEAL_SEAL = 1;
    public static final int F_SEAL_SHRINK = 2;
    public static final int F_SEAL_GROW = 4;
    public static final int F_SEAL_WRITE = 8;
    public static final int F_SEAL_FUTURE_WRITE = 16;

    private Memfd() {}

    /**
     * Creates a file of {@code size} zero bytes, closed on exec.
     *
     * @param name shown in /proc/PID/maps, no identity
     * @param size in bytes
     * @param flags MFD constants
     */
    public static Fd create(String name, long size, int flags) throws ErrnoException {
        Fd fd;
        try (NativeBuffer text = NativeBuffer.string(name)) {
            long result = Syscall.call(Syscall.MEMFD_CREATE, text.address(), flags | MFD_CLOEXEC);
            fd = Fd.of((int) Syscall.check(result, "memfd_create", name));
        }
        try {
            FileCalls.ftruncate(fd, size);
            return fd;
        } catch (ErrnoException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Adds seals; EPERM where the file is sealed against that, EINVAL where it cannot be sealed at
     * all (no memfd).
     */
    public static void addSeals(Fd fd, int seals) throws ErrnoException {
        long result = Syscall.call(Syscall.FCNTL, fd.number(), Constants.F_ADD_SEALS, seals);
        Syscall.check(result, "fcntl", "F_ADD_SEALS, " + fd);
    }

    /**
     * Returns whether a file is nothing but memory: a memfd, or a file of tmpfs or hugetlbfs. No
     * file system is asked.
     */
    public static boolean isMemory(int fd) {
        return Syscall.call(Syscall.FCNTL, fd, Constants.F_GET_SEALS) >= 0;
    }

    /** Returns the seals; EINVAL for a file that cannot be sealed. */
    public static int seals(Fd fd) throws ErrnoException {
        long result = Syscall.call(Syscall.FCNTL, fd.number(), Constants.F_GET_SEALS);
        return (int) Syscall.check(result, "fcntl", "F_GET_SEALS, " + fd);
    }
}
