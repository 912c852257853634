package io.vireo.linux;

/**
 * A range of memory from mmap(2).
 *
 * <p>Nothing checks accesses against its end or its life: {@link ForeignMemory} takes absolute
 * addresses. Unmap only when no thread and no system call in flight can touch it any more.
 */
public final class Mapping implements AutoCloseable {
    // asm-generic/mman-common.h and linux/mman.h
    public static final int PROT_NONE = 0;
    public static final int PROT_READ = 1;
    public static final int PROT_WRITE = 2;
    public static final int MADV_DONTNEED = 4;
    public static final int MADV_REMOVE = 9;
    public static final int MADV_DONTFORK = 10;
    public static final int MADV_HUGEPAGE = 14;
    public static final int MADV_DONTDUMP = 16;
    public static final int MADV_POPULATE_READ = 22;
    public static final int MADV_POPULATE_WRITE = 23;

    private static final long PAGE_SIZE = AuxiliaryVector.pageSize();

    private final long address;
    private final long length;
    private boolean mapped = true;

    private Mapping(long address, long length) {
        this.address = address;
        this.length = length;
    }

    /**
     * Maps a file.
     *
     * @param fd an open file
     * @param offset in bytes, a multiple of the page size (of the huge page size on hugetlbfs)
     * @param length in bytes, positive
     * @param protection PROT_READ and PROT_WRITE
     * @param shared whether writes reach the file (MAP_SHARED) or stay ours (MAP_PRIVATE)
     */
    public static Mapping map(Fd fd, long offset, long length, int protection, boolean shared)
            throws ErrnoException {
        int flags = shared ? Constants.MAP_SHARED : Constants.MAP_PRIVATE;
        return map(fd.number(), offset, length, protection, flags);
    }

    /** Maps zero-filled private memory, readable and writable. */
    public static Mapping anonymous(long length) throws ErrnoException {
        int flags = Constants.MAP_PRIVATE | Constants.MAP_ANONYMOUS;
        return map(-1, 0, length, PROT_READ | PROT_WRITE, flags);
    }

    static Mapping map(int fd, long offset, long length, int protection, int flags)
            throws ErrnoException {
        long result = Syscall.call(Syscall.MMAP, 0, length, protection, flags, fd, offset);
        Syscall.check(result, "mmap", "fd " + fd + ", offset " + offset + ", length " + length);
        return new Mapping(result, length);
    }

    /** Returns the size of a page in bytes. */
    public static long pageSize() {
        return PAGE_SIZE;
    }

    /** Returns the native address of the first byte. */
    public long address() {
        return address;
    }

    /** Returns the length in bytes as asked for. */
    public long length() {
        return length;
    }

    /** Returns whether {@link #unmap} has not been called yet. */
    public synchronized boolean isMapped() {
        return mapped;
    }

    /**
     * Advises the kernel about a part of this mapping.
     *
     * @param offset in bytes from the start, a multiple of the page size
     * @param length in bytes
     * @param advice one of the MADV constants
     */
    public void advise(long offset, long length, int advice) throws ErrnoException {
        if (offset < 0 || length < 0 || offset > this.length - length) {
            throw new IndexOutOfBoundsException(offset + " + " + length + " > " + this.length);
        }
        if (!isMapped()) {
            throw new IllegalStateException("unmapped");
        }
        long result = Syscall.call(Syscall.MADVISE, address + offset, length, advice);
        Syscall.check(result, "madvise", advice);
    }

    /**
     * Has the kernel bring the pages of a range that is mapped, as an access would, without one.
     *
     * @param address native
     * @param length in bytes
     * @param write whether they are to be written to
     * @return false if an access would raise SIGBUS; true also if the kernel cannot tell
     */
    public static boolean isReachable(long address, long length, boolean write) {
        long start = address & -PAGE_SIZE;
        int advice = write ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
        long result = Syscall.call(Syscall.MADVISE, start, address + length - start, advice);
        return result != -Errno.EFAULT && result != -Errno.EHWPOISON;
    }

    /**
     * Replaces the pages by zero-filled private ones: whoever still uses the range can go on, but
     * reaches nobody. For memory that a peer took away, until its last user is done.
     */
    public synchronized void withdraw() {
        if (mapped) {
            int protection = PROT_READ | PROT_WRITE;
            int flags =
                    Constants.MAP_PRIVATE
                            | Constants.MAP_ANONYMOUS
                            | Constants.MAP_FIXED
                            | Constants.MAP_NORESERVE;
            Syscall.call(Syscall.MMAP, address, length, protection, flags, -1, 0);
        }
    }

    /** Gives the range back. Idempotent. */
    public synchronized void unmap() {
        if (mapped) {
            mapped = false;
            Syscall.call(Syscall.MUNMAP, address, length);
        }
    }

    @Override
    public void close() {
        unmap();
    }
}
