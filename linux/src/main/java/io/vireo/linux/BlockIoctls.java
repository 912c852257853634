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
}
