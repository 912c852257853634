package io.vireo.adapter.file;

import io.vireo.linux.BlockIoctls;
import io.vireo.linux.Errno;
import io.vireo.linux.ErrnoException;
import io.vireo.linux.Fd;
import io.vireo.linux.FileCalls;
import io.vireo.linux.FileStat;
import io.vireo.linux.PathCalls;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;

/**
 * A raw image file or block device: open, locked against other processes, its name confined to one
 * directory.
 *
 * <p>Thread safe, except for {@link #grow} and {@link #close}.
 */
public final class ImageFile implements AutoCloseable {
    /** Names stay beneath the directory and go through no symbolic link. */
    private static final int CONFINED =
            PathCalls.RESOLVE_BENEATH
                    | PathCalls.RESOLVE_NO_SYMLINKS
                    | PathCalls.RESOLVE_NO_MAGICLINKS;

    private final Fd directory;
    private volatile String name;
    private final Fd fd;
    private final boolean direct;
    private final boolean writable;
    private final int memoryAlignment;
    private final int offsetAlignment;
    private final int allocationUnit;
    private final int atomicWriteSize;
    private volatile long capacity;
    private volatile boolean failed;

    private ImageFile(
            Fd directory,
            String name,
            Fd fd,
            boolean direct,
            boolean writable,
            FileStat stat,
            long capacity)
            throws ErrnoException {
        this.writable = writable;
        this.directory = directory;
        this.name = name;
        this.fd = fd;
        this.direct = direct;
        this.memoryAlignment = direct ? stat.directMemoryAlignment() : 1;
        this.offsetAlignment = direct ? stat.directOffsetAlignment() : 1;
        this.allocationUnit = stat.blockSize();
        this.atomicWriteSize = BlockTopology.HOST.atomicWriteSize(fd, stat);
        this.capacity = capacity;
    }

    /**
     * Opens an image for reading and writing.
     *
     * @param directory stays open as long as the image
     * @param name relative to it
     * @param directIo whether to go around the page cache where the file system can, for blocks of
     *     {@code blockSize} bytes
     * @throws ErrnoException ENOENT; EAGAIN where another process has it open; ENOTBLK where it is
     *     no regular file
     */
    public static ImageFile open(Fd directory, String name, boolean directIo, int blockSize)
            throws ErrnoException {
        Fd fd = openFile(directory, name, PathCalls.O_NONBLOCK);
        try {
            FileStat stat = FileStat.of(fd);
            if (!stat.isRegular()) {
                throw new ErrnoException(Errno.ENOTBLK, "open", name + " is no regular file");
            }
            if (!FileCalls.tryLock(fd, true)) {
                throw new ErrnoException(Errno.EAGAIN, "fcntl", name + " is locked");
            }
            return of(directory, name, fd, stat, stat.size(), directIo, blockSize);
        } catch (ErrnoException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Opens a block device for reading and writing.
     *
     * @param directory stays open as long as the image
     * @param name relative to it
     * @throws ErrnoException ENOENT; EBUSY where it is mounted or part of something; EAGAIN where
     *     another process has it locked; ENOTBLK where it is no block device
     */
    public static ImageFile openDevice(Fd directory, String name, boolean directIo, int blockSize)
            throws ErrnoException {
        // Exclusive without O_CREAT: not while the kernel uses it, open(2).
        Fd fd = openFile(directory, name, PathCalls.O_NONBLOCK | PathCalls.O_EXCL);
        try {
            FileStat stat = FileStat.of(fd);
            if (!stat.isBlockDevice()) {
                throw new ErrnoException(Errno.ENOTBLK, "open", name + " is no block device");
            }
            if (!FileCalls.tryLock(fd, true)) {
                throw new ErrnoException(Errno.EAGAIN, "fcntl", name + " is locked");
            }
            long size = BlockIoctls.size(fd);
            return of(directory, name, fd, stat, size, directIo, blockSize);
        } catch (ErrnoException e) {
            fd.close();
            throw e;
        }
    }

    /**
     * Opens an image, or a block device, that is not to be written to; others may read it too.
     *
     * @param directory stays open as long as the image
     * @param name relative to it
     * @throws ErrnoException ENOENT; EAGAIN where another process has it open for writing; ENOTBLK
     *     where it is neither
     */
    public static ImageFile openReadOnly(Fd directory, String name) throws ErrnoException {
        Fd fd = openConfined(directory, name, PathCalls.O_RDONLY | PathCalls.O_NONBLOCK, 0);
        try {
            FileStat stat = FileStat.of(fd);
            if (!stat.isRegular() && !stat.isBlockDevice()) {
                throw new ErrnoException(Errno.ENOTBLK, "open", name + " is no file or device");
            }
            if (!FileCalls.tryLock(fd, false)) {
                throw new ErrnoException(Errno.EAGAIN, "fcntl", name + " is locked");
            }
            long size = stat.isBlockDevice() ? BlockIoctls.size(fd) : stat.size();
            return new ImageFile(directory, name, fd, false, false, stat, size);
        } catch (ErrnoException e) {
            fd.close();
            throw e;
        }
    }

    private static ImageFile of(
            Fd directory,
            String name,
            Fd fd,
            FileStat stat,
            long capacity,
            boolean directIo,
            int blockSize)
            throws ErrnoException {
        boolean direct = directIo && takesDirect(directory, name, stat, blockSize);
        return new ImageFile(directory, name, fd, direct, true, stat, capacity);
    }

    /** Reads up to {@code count} bytes from the start of the image; fewer where it is shorter. */
    public byte[] head(int count) throws ErrnoException {
        try (Arena arena = Arena.ofConfined();
                Fd plain = openConfined(directory, name, PathCalls.O_RDONLY, 0)) {
            int length = (int) Math.min(count, capacity);
            MemorySegment buffer = arena.allocate(length);
            long read = FileCalls.pread(plain.number(), buffer.address(), length, 0);
            if (read < 0) {
                throw new ErrnoException((int) -read, "pread", name);
            }
            return buffer.asSlice(0, read).toArray(ValueLayout.JAVA_BYTE);
        }
    }

    /** Bytes that the file system has allocated for it; 0 for a block device. */
    public long allocated() throws ErrnoException {
        return FileStat.of(fd).blocks() * 512;
    }

    /** The same as far as the kernel knows by itself, which keeps nobody waiting. */
    public long knownAllocated() throws ErrnoException {
        return FileStat.known(fd).blocks() * 512;
    }

    /** Whether it is a block device, which always is as large as it is. */
    public boolean isDevice() throws ErrnoException {
        return FileStat.of(fd).isBlockDevice();
    }

    /** Opens a name in a directory under the confinement of image names. */
    public static Fd openConfined(Fd directory, String name, int flags, int mode)
            throws ErrnoException {
        return PathCalls.openat2(directory.number(), name, flags, mode, CONFINED);
    }

    /** Opens the directory of images. */
    public static Fd openDirectory(Path path) throws ErrnoException {
        return PathCalls.open(path, PathCalls.O_RDONLY | PathCalls.O_DIRECTORY, 0);
    }

    private static Fd openFile(Fd directory, String name, int flags) throws ErrnoException {
        return openConfined(directory, name, PathCalls.O_RDWR | flags, 0);
    }

    private static boolean takesDirect(Fd directory, String name, FileStat stat, int blockSize)
            throws ErrnoException {
        // Told by statx since Linux 6.1; 0 also where the file system has no O_DIRECT.
        if (stat.directOffsetAlignment() == 0 || stat.directOffsetAlignment() > blockSize) {
            return false;
        }
        try (Fd _ = openFile(directory, name, PathCalls.O_DIRECT)) {
            return true;
        } catch (ErrnoException e) {
            if (e.errno() == Errno.EINVAL) {
                return false;
            }
            throw e;
        }
    }

    /**
     * Opens the same file once more: errors of writing back are told once to each open file, so
     * each channel, which flushes for itself, has its own.
     */
    Fd reopen() throws ErrnoException {
        Fd again;
        synchronized (directory) {
            again =
                    openConfined(
                            directory,
                            name,
                            (writable ? PathCalls.O_RDWR : PathCalls.O_RDONLY)
                                    | (direct ? PathCalls.O_DIRECT : 0),
                            0);
        }
        if (!FileStat.of(again).isSameFile(FileStat.of(fd))) {
            again.close();
            throw new ErrnoException(
                    Errno.ESTALE, "open", name + " was replaced while it was in use");
        }
        return again;
    }

    public String name() {
        return name;
    }

    /**
     * Gives it another name in its directory; the directory is synchronized by the caller. One
     * thread at a time, channels may be opened meanwhile.
     *
     * @throws ErrnoException EEXIST if something has that name
     */
    public void rename(String newName) throws ErrnoException {
        synchronized (directory) {
            PathCalls.renameat(
                    directory.number(),
                    name,
                    directory.number(),
                    newName,
                    PathCalls.RENAME_NOREPLACE);
            name = newName;
        }
    }

    /** Bytes. */
    public long capacity() {
        return capacity;
    }

    /** Whether it was opened for writing. */
    public boolean writable() {
        return writable;
    }

    /** Whether the page cache is bypassed. */
    public boolean direct() {
        return direct;
    }

    /** What addresses and lengths of memory must be multiples of; 1 where it does not matter. */
    int memoryAlignment() {
        return memoryAlignment;
    }

    /** What offsets and counts must be multiples of; 1 where it does not matter. */
    int offsetAlignment() {
        return offsetAlignment;
    }

    /** Bytes that the file system allocates and frees at a time. */
    int allocationUnit() {
        return allocationUnit;
    }

    /** Bytes of aligned writes that are whole or not there at all after a loss of power. */
    int atomicWriteSize() {
        return atomicWriteSize;
    }

    /** Whether a flush has failed since the image was opened. */
    public boolean failed() {
        return failed;
    }

    void fail() {
        failed = true;
    }

    void grow(long newCapacity) throws ErrnoException {
        if (newCapacity < capacity) {
            throw new ErrnoException(Errno.EINVAL, "ftruncate", name + " would shrink");
        }
        FileCalls.ftruncate(fd, newCapacity);
        int synced = FileCalls.fsync(fd.number());
        if (synced < 0) {
            throw new ErrnoException(-synced, "fsync", name);
        }
        capacity = newCapacity;
    }

    /** Whether it has become larger without us. */
    boolean look() throws ErrnoException {
        long now = isDevice() ? BlockIoctls.size(fd) : FileStat.of(fd).size();
        boolean larger = now > capacity;
        if (larger) {
            capacity = now;
        }
        return larger;
    }

    @Override
    public void close() {
        fd.close();
    }
}
