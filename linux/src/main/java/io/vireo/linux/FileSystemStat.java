package io.vireo.linux;

/**
 * What fstatfs(2) tells of the file system that holds a file.
 *
 * @param type magic number, linux/magic.h
 * @param blockSize in bytes
 * @param blocks in total
 * @param free blocks that nobody uses
 * @param available blocks that an unprivileged process may take
 * @param files inodes in total
 * @param filesFree inodes that nobody uses
 */
public record FileSystemStat(
        long type,
        long blockSize,
        long blocks,
        long free,
        long available,
        long files,
        long filesFree) {

    // linux/magic.h
    private static final long TMPFS_MAGIC = 0x01021994;

    /** Returns whether it is a tmpfs, as that of memfds without huge pages of hugetlbfs is. */
    public boolean isTmpfs() {
        return type == TMPFS_MAGIC;
    }

    /** Returns what is known of the file system that holds an open file. */
    public static FileSystemStat of(Fd fd) throws ErrnoException {
        try (NativeBuffer stat = NativeBuffer.scratch(Layouts.Statfs.SIZE)) {
            Syscall.check(
                    Syscall.call(Syscall.FSTATFS, fd.number(), stat.address()), "fstatfs", fd);
            return new FileSystemStat(
                    ForeignMemory.getLong(stat.address() + Layouts.Statfs.F_TYPE),
                    ForeignMemory.getLong(stat.address() + Layouts.Statfs.F_BSIZE),
                    ForeignMemory.getLong(stat.address() + Layouts.Statfs.F_BLOCKS),
                    ForeignMemory.getLong(stat.address() + Layouts.Statfs.F_BFREE),
                    ForeignMemory.getLong(stat.address() + Layouts.Statfs.F_BAVAIL),
                    ForeignMemory.getLong(stat.address() + Layouts.Statfs.F_FILES),
                    ForeignMemory.getLong(stat.address() + Layouts.Statfs.F_FFREE));
        }
    }

    /** Returns the space in bytes that an unprivileged process may still take. */
    public long availableBytes() {
        return available * blockSize;
    }

    /** Returns the size in bytes. */
    public long totalBytes() {
        return blocks * blockSize;
    }
}
