package io.vireo.linux;

/**
 * What statx(2) tells of a file.
 *
 * @param mode type and permission bits
 * @param size in bytes; 0 for block devices, see {@link BlockIoctls#size}
 * @param device number of the device that holds the file, major in the high half
 * @param inode unique within the device
 * @param links number of names
 * @param uid owner
 * @param gid group
 * @param blocks allocated, in units of 512 bytes
 * @param blockSize preferred for I/O, in bytes
 * @param specialDevice number of the device that a device file stands for, major in the high half
 * @param mount number of the mount by which it was opened, 0 where the kernel does not tell
 * @param directMemoryAlignment of buffers for O_DIRECT in bytes, 0 where the kernel does not tell
 *     or O_DIRECT is not supported
 * @param directOffsetAlignment of offsets and lengths for O_DIRECT in bytes, 0 likewise
 */
public record FileStat(
        int mode,
        long size,
        long device,
        long inode,
        int links,
        int uid,
        int gid,
        long blocks,
        int blockSize,
        long specialDevice,
        long mount,
        int directMemoryAlignment,
        int directOffsetAlignment) {

    /** Returns what is known of an open file. */
    public static FileStat of(Fd fd) throws ErrnoException {
        return of(fd.number());
    }

    /** Returns what is known of an open file, such as one just received from a peer. */
    public static FileStat of(int fd) throws ErrnoException {
        return statx(fd, "", Constants.AT_EMPTY_PATH);
    }

    /**
     * Returns what the kernel knows of an open file by itself: whoever serves its file system, a
     * process or another host, is not asked, and cannot keep the caller waiting. Size and times may
     * be out of date.
     */
    public static FileStat known(Fd fd) throws ErrnoException {
        int flags = Constants.AT_EMPTY_PATH | Constants.AT_STATX_DONT_SYNC;
        return statx(fd.number(), "", flags);
    }

    /** Returns what is known of a path, of a symbolic link itself if it is one. */
    public static FileStat of(int directory, String path) throws ErrnoException {
        return statx(directory, path, Constants.AT_SYMLINK_NOFOLLOW);
    }

    public boolean isRegular() {
        return isType(Constants.S_IFREG);
    }

    public boolean isDirectory() {
        return isType(Constants.S_IFDIR);
    }

    public boolean isBlockDevice() {
        return isType(Constants.S_IFBLK);
    }

    public boolean isCharacterDevice() {
        return isType(Constants.S_IFCHR);
    }

    public boolean isSocket() {
        return isType(Constants.S_IFSOCK);
    }

    public boolean isSymbolicLink() {
        return isType(Constants.S_IFLNK);
    }

    public boolean isFifo() {
        return isType(Constants.S_IFIFO);
    }

    /** Returns the permission bits, set-user-id and the like included. */
    public int permissions() {
        return mode & ~Constants.S_IFMT;
    }

    /** Returns whether both are names or descriptors of one file. */
    public boolean isSameFile(FileStat other) {
        return device == other.device && inode == other.inode;
    }

    private boolean isType(int type) {
        return (mode & Constants.S_IFMT) == type;
    }

    private static FileStat statx(int directory, String path, int flags) throws ErrnoException {
        int mask = Constants.STATX_BASIC_STATS | Constants.STATX_MNT_ID | Constants.STATX_DIOALIGN;
        try (NativeBuffer name = NativeBuffer.string(path);
                NativeBuffer stat = NativeBuffer.scratch(Layouts.Statx.SIZE)) {
            long result =
                    Syscall.call(
                            Syscall.STATX, directory, name.address(), flags, mask, stat.address());
            Syscall.check(result, "statx", path.isEmpty() ? "fd " + directory : path);
            return decode(stat.address());
        }
    }

    private static FileStat decode(long stat) {
        return new FileStat(
                Short.toUnsignedInt(ForeignMemory.getShort(stat + Layouts.Statx.STX_MODE)),
                ForeignMemory.getLong(stat + Layouts.Statx.STX_SIZE),
                device(stat + Layouts.Statx.STX_DEV_MAJOR),
                ForeignMemory.getLong(stat + Layouts.Statx.STX_INO),
                ForeignMemory.getInt(stat + Layouts.Statx.STX_NLINK),
                ForeignMemory.getInt(stat + Layouts.Statx.STX_UID),
                ForeignMemory.getInt(stat + Layouts.Statx.STX_GID),
                ForeignMemory.getLong(stat + Layouts.Statx.STX_BLOCKS),
                ForeignMemory.getInt(stat + Layouts.Statx.STX_BLKSIZE),
                device(stat + Layouts.Statx.STX_RDEV_MAJOR),
                ForeignMemory.getLong(stat + Layouts.Statx.STX_MNT_ID),
                ForeignMemory.getInt(stat + Layouts.Statx.STX_DIO_MEM_ALIGN),
                ForeignMemory.getInt(stat + Layouts.Statx.STX_DIO_OFFSET_ALIGN));
    }

    /** Minor follows major. */
    private static long device(long major) {
        return ((long) ForeignMemory.getInt(major) << 32)
                | Integer.toUnsignedLong(ForeignMemory.getInt(major + 4));
    }
}
