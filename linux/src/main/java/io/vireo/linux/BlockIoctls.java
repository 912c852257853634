package io.vireo.linux;

/** Control of Linux block devices, linux/fs.h. */
public final class BlockIoctls {
    private BlockIoctls() {}

    /** Returns the capacity in bytes. */
    public static long size(Fd fd) throws ErrnoException {
        return query(fd, Constants.BLKGETSIZE64 & 0xffffffffL, "BLKGETSIZE64", Long.BYTES);
    }

    /** Returns the logical sector size in bytes: what O_DIRECT must be aligned to. */
    public static int logicalSectorSize(Fd fd) throws ErrnoException {
        return (int) query(fd, Constants.BLKSSZGET, "BLKSSZGET", Integer.BYTES);
    }

    /** Returns the physical sector size in bytes: what is written without reading it first. */
    public static int physicalSectorSize(Fd fd) throws ErrnoException {
        return (int) query(fd, Constants.BLKPBSZGET, "BLKPBSZGET", Integer.BYTES);
    }

    /** Returns whether the device is read-only. */
    public static boolean readOnly(Fd fd) throws ErrnoException {
        return query(fd, Constants.BLKROGET, "BLKROGET", Integer.BYTES) != 0;
    }

    /**
     * Drops a range, in bytes; what it reads as afterwards is undefined. Blocks. Returns 0 or
     * -errno.
     */
    public static int discard(Fd fd, long offset, long length) {
        return range(fd, Constants.BLKDISCARD, offset, length);
    }

    /** Zeroes a range, in bytes. Blocks. Returns 0 or -errno. */
    public static int zeroOut(Fd fd, long offset, long length) {
        return range(fd, Constants.BLKZEROOUT, offset, length);
    }

    private static long query(Fd fd, long request, String name, int size) throws ErrnoException {
        try (NativeBuffer value = NativeBuffer.scratch(Long.BYTES)) {
            Syscall.check(
                    Syscall.call(Syscall.IOCTL, fd.number(), request, value.address()),
                    "ioctl",
                    name + ", " + fd);
            return size == Long.BYTES
                    ? ForeignMemory.getLong(value.address())
                    : ForeignMemory.getInt(value.address());
        }
    }

    private static int range(Fd fd, int request, long offset, long length) {
        try (NativeBuffer range = NativeBuffer.scratch(2 * Long.BYTES)) {
            ForeignMemory.putLong(range.address(), offset);
            ForeignMemory.putLong(range.address() + Long.BYTES, length);
            return (int) Syscall.call(Syscall.IOCTL, fd.number(), request, range.address());
        }
    }
}
