package io.vireo.linux;

import java.util.Optional;

/**
 * A pair of submission and completion rings shared with the kernel, io_uring(7).
 *
 * <p>Use: while {@link #sqeFree} is positive, prepare requests, each with 64 bits of user data of
 * the caller's choice; {@link #submit} them with one system call; then, while {@link
 * #hasCompletion}, look at {@link #userData} and {@link #result} and {@link #advance}.
 *
 * <p>One thread at a time, and with {@link #singleIssuer} always the thread that first submitted or
 * polled: the ring is made disabled and enabled there, so that any thread may make it and register
 * files, buffers and an eventfd before. Buffers and iovecs are given by native address; buffers
 * must stay valid until the completion, iovecs until {@code submit} has taken the request
 * (IORING_FEAT_SUBMIT_STABLE).
 *
 * <p>Close it only when all completions are in: the kernel cancels what is left, but may still
 * write to its buffers for a while.
 */
public final class IoUring implements AutoCloseable {
    /**
     * Completions only run when the owner asks, never by interrupting it: the fastest mode, Linux
     * 6.1.
     */
    private static final int DEFERRED =
            Constants.IORING_SETUP_CLAMP
                    | Constants.IORING_SETUP_SUBMIT_ALL
                    | Constants.IORING_SETUP_SINGLE_ISSUER
                    | Constants.IORING_SETUP_DEFER_TASKRUN
                    | Constants.IORING_SETUP_TASKRUN_FLAG
                    | Constants.IORING_SETUP_R_DISABLED;

    /** Linux 5.19. */
    private static final int COOPERATIVE =
            Constants.IORING_SETUP_CLAMP
                    | Constants.IORING_SETUP_SUBMIT_ALL
                    | Constants.IORING_SETUP_COOP_TASKRUN
                    | Constants.IORING_SETUP_TASKRUN_FLAG;

    private static final int[] MODES = {DEFERRED, COOPERATIVE, Constants.IORING_SETUP_CLAMP};

    private final Fd fd;
    private final int flags;
    private final Mapping rings;
    private final Mapping sqes;
    private final int sqEntries;
    private final int sqMask;
    private final int cqEntries;
    private final int cqMask;
    private final long sqHeadAddress;
    private final long sqTailAddress;
    private final long sqFlagsAddress;
    private final long cqHeadAddress;
    private final long cqTailAddress;
    private final long cqOverflowAddress;
    private final long cqFlagsAddress;
    private final long cqes;

    private boolean enabled;
    private int sqTail;
    private int cqHead;
    private int cqTail;

    private IoUring(Fd fd, long params, Mapping rings, Mapping sqes) {
        long sq = params + Layouts.IoUringParams.SQ_OFF;
        long cq = params + Layouts.IoUringParams.CQ_OFF;
        this.fd = fd;
        this.rings = rings;
        this.sqes = sqes;
        flags = ForeignMemory.getInt(params + Layouts.IoUringParams.FLAGS);
        sqEntries = ForeignMemory.getInt(params + Layouts.IoUringParams.SQ_ENTRIES);
        cqEntries = ForeignMemory.getInt(params + Layouts.IoUringParams.CQ_ENTRIES);
        sqMask = sqEntries - 1;
        cqMask = cqEntries - 1;
        sqHeadAddress = member(sq + Layouts.IoSqringOffsets.HEAD);
        sqTailAddress = member(sq + Layouts.IoSqringOffsets.TAIL);
        sqFlagsAddress = member(sq + Layouts.IoSqringOffsets.FLAGS);
        cqHeadAddress = member(cq + Layouts.IoCqringOffsets.HEAD);
        cqTailAddress = member(cq + Layouts.IoCqringOffsets.TAIL);
        cqOverflowAddress = member(cq + Layouts.IoCqringOffsets.OVERFLOW);
        cqFlagsAddress = member(cq + Layouts.IoCqringOffsets.FLAGS);
        cqes = member(cq + Layouts.IoCqringOffsets.CQES);
        enabled = (flags & Constants.IORING_SETUP_R_DISABLED) == 0;
        long array = member(sq + Layouts.IoSqringOffsets.ARRAY);
        for (int i = 0; i < sqEntries; i++) {
            // Slot i of the ring always means entry i: the indirection serves applications that
            // reorder.
            ForeignMemory.putInt(array + (long) i * Integer.BYTES, i);
        }
    }

    /**
     * Makes a ring for {@code entries} requests per submission (rounded up to a power of two, down
     * to what the kernel allows) and twice as many completions, in the best mode that the kernel
     * knows.
     *
     * @throws ErrnoException ENOSYS or EPERM where io_uring is not there or not allowed, see {@link
     *     #unavailableReason}
     */
    public static IoUring setup(int entries) throws ErrnoException {
        long result = -Errno.EINVAL;
        for (int mode : MODES) {
            try (NativeBuffer params = NativeBuffer.scratch(Layouts.IoUringParams.SIZE)) {
                ForeignMemory.putInt(params.address() + Layouts.IoUringParams.FLAGS, mode);
                result = Syscall.call(Syscall.IO_URING_SETUP, entries, params.address());
                if (result >= 0) {
                    return map(Fd.of((int) result), params.address());
                }
            }
            if (result != -Errno.EINVAL) {
                break;
            }
        }
        throw new ErrnoException((int) -result, "io_uring_setup", entries + " entries");
    }

    /** Returns whether this process may use io_uring. */
    public static boolean available() {
        return unavailableReason().isEmpty();
    }

    /**
     * Returns why this process may not use io_uring and what would change that; empty if it may.
     */
    public static Optional<String> unavailableReason() {
        try (IoUring probe = setup(1)) {
            return probe.sqEntries > 0
                    ? Optional.empty()
                    : Optional.of("the kernel made a ring without entries");
        } catch (ErrnoException e) {
            return Optional.of(
                    switch (e.errno()) {
                        case Errno.ENOSYS ->
                                "the kernel has no io_uring, or a seccomp filter hides it";
                        case Errno.EPERM ->
                                "forbidden by sysctl kernel.io_uring_disabled, by a seccomp filter or by a security module";
                        case Errno.ENOMEM -> "locked memory exhausted: raise RLIMIT_MEMLOCK";
                        default -> e.errnoName();
                    });
        }
    }

    /** Returns whether only one thread, the first to submit or poll, may use this ring. */
    public boolean singleIssuer() {
        return (flags & Constants.IORING_SETUP_SINGLE_ISSUER) != 0;
    }

    /** Returns the number of requests that fit between two submissions. */
    public int sqeCapacity() {
        return sqEntries;
    }

    /**
     * Returns the number of completions that the ring holds; more are kept by the kernel at a cost.
     */
    public int cqeCapacity() {
        return cqEntries;
    }

    /** Returns how many more requests can be prepared before the next {@link #submit}. */
    public int sqeFree() {
        return sqEntries - pending();
    }

    /** Prepares a read of {@code count} iovecs at {@code offset} of the file. */
    public void readv(int fd, long iovecs, int count, long offset, long userData) {
        prepare(Constants.IORING_OP_READV, fd, offset, iovecs, count, userData);
    }

    /** Prepares a write of {@code count} iovecs at {@code offset} of the file. */
    public void writev(int fd, long iovecs, int count, long offset, long userData) {
        prepare(Constants.IORING_OP_WRITEV, fd, offset, iovecs, count, userData);
    }

    /** Prepares a read of up to {@code length} bytes at {@code offset} of the file. */
    public void read(int fd, long address, int length, long offset, long userData) {
        prepare(Constants.IORING_OP_READ, fd, offset, address, length, userData);
    }

    /** Prepares a write of up to {@code length} bytes at {@code offset} of the file. */
    public void write(int fd, long address, int length, long offset, long userData) {
        prepare(Constants.IORING_OP_WRITE, fd, offset, address, length, userData);
    }

    /**
     * As {@link #readv}, of one buffer, but never waits: -EAGAIN where it would have to, -EOPNOTSUPP
     * where the file's driver cannot promise that.
     */
    public void readNow(int fd, long address, int length, long offset, long userData) {
        now(prepare(Constants.IORING_OP_READ, fd, offset, address, length, userData));
    }

    /** As {@link #writev}, and never waits, as {@link #readNow}. */
    public void writevNow(int fd, long iovecs, int count, long offset, long userData) {
        now(prepare(Constants.IORING_OP_WRITEV, fd, offset, iovecs, count, userData));
    }

    private static void now(long sqe) {
        ForeignMemory.putInt(sqe + Layouts.IoUringSqe.RW_FLAGS, Constants.RWF_NOWAIT);
    }

    /** Prepares fsync, or fdatasync. It does not wait for requests that have not completed. */
    public void fsync(int fd, boolean dataOnly, long userData) {
        long sqe = prepare(Constants.IORING_OP_FSYNC, fd, 0, 0, 0, userData);
        ForeignMemory.putInt(
                sqe + Layouts.IoUringSqe.FSYNC_FLAGS,
                dataOnly ? Constants.IORING_FSYNC_DATASYNC : 0);
    }

    /** Prepares fallocate with the FALLOC constants of {@link FileCalls}. */
    public void fallocate(int fd, int mode, long offset, long length, long userData) {
        prepare(Constants.IORING_OP_FALLOCATE, fd, offset, length, mode, userData);
    }

    /** Prepares nothing but a completion. */
    public void nop(long userData) {
        prepare(Constants.IORING_OP_NOP, -1, 0, 0, 0, userData);
    }

    /** Prepares to wait once for EPOLL events; the result is the events that came. */
    public void pollAdd(int fd, int events, long userData) {
        long sqe = prepare(Constants.IORING_OP_POLL_ADD, fd, 0, 0, 0, userData);
        ForeignMemory.putInt(sqe + Layouts.IoUringSqe.POLL32_EVENTS, events);
    }

    /**
     * Prepares to cancel the request with the user data {@code target}, which then completes with
     * -ECANCELED or, if it was too late, as ever. The result of this one is 0, -ENOENT or
     * -EALREADY.
     */
    public void cancel(long target, long userData) {
        prepare(Constants.IORING_OP_ASYNC_CANCEL, -1, 0, target, 0, userData);
    }

    /**
     * Hands the prepared requests to the kernel and lets it post completions.
     *
     * @return the number taken, the rest stays prepared, or -errno: -EBUSY where completions must
     *     be reaped first, -EAGAIN, -EINTR
     */
    public int submit() {
        int pending = pending();
        if (pending == 0) {
            return 0;
        }
        return enter(pending, 0);
    }

    /**
     * As {@link #submit}, and waits until at least {@code completions} are there or a signal comes.
     */
    public int submitAndWait(int completions) {
        return enter(pending(), completions);
    }

    /** Forgets what is prepared and was not taken by the kernel. */
    public void discard() {
        sqTail -= pending();
    }

    /**
     * Returns whether there is a completion to look at, letting the kernel post what it holds back
     * if need be.
     */
    public boolean hasCompletion() {
        return cqHead != cqTail || refresh();
    }

    /** Returns the user data of the completion at the head. */
    public long userData() {
        return ForeignMemory.getLong(cqe() + Layouts.IoUringCqe.USER_DATA);
    }

    /** Returns the result of the completion at the head: as the system call's, or -errno. */
    public int result() {
        return ForeignMemory.getInt(cqe() + Layouts.IoUringCqe.RES);
    }

    /** Gives the completion at the head back to the kernel. */
    public void advance() {
        cqHead++;
        // Release: the reads of the entry stay before the store that lets the kernel overwrite it.
        ForeignMemory.putIntRelease(cqHeadAddress, cqHead);
    }

    /**
     * Returns how many completions were lost, which a kernel since 5.5 (IORING_FEAT_NODROP) only
     * does when out of memory.
     */
    public int lostCompletions() {
        return ForeignMemory.getIntOpaque(cqOverflowAddress);
    }

    /** Has the kernel signal an eventfd when there is something to reap. */
    public void registerEventfd(Eventfd eventfd) throws ErrnoException {
        try (NativeBuffer number = NativeBuffer.scratch(Integer.BYTES)) {
            ForeignMemory.putInt(number.address(), eventfd.fd().number());
            register(Constants.IORING_REGISTER_EVENTFD, number.address(), 1);
        }
    }

    /**
     * Begins or ends to signal the registered eventfd; the ring begins with it. After this has
     * begun, what {@link #hasCompletion} does not find is signalled.
     *
     * @return whether the kernel took note: with task work that is not deferred it posts without
     *     the barrier that this needs, and always signals
     */
    public boolean signal(boolean to) {
        if (!singleIssuer()) {
            return false;
        }
        ForeignMemory.putInt(cqFlagsAddress, to ? 0 : Constants.IORING_CQ_EVENTFD_DISABLED);
        // Full: the kernel marks the ring and then reads this flag, we do the inverse.
        ForeignMemory.fullFence();
        return true;
    }

    @Override
    public void close() {
        fd.close();
        rings.unmap();
        sqes.unmap();
    }

    private static IoUring map(Fd fd, long params) throws ErrnoException {
        try {
            if ((ForeignMemory.getInt(params + Layouts.IoUringParams.FEATURES)
                            & Constants.IORING_FEAT_SINGLE_MMAP)
                    == 0) {
                throw new ErrnoException(Errno.ENOSYS, "io_uring_setup", "kernel older than 5.4");
            }
            Mapping rings = map(fd, ringLength(params), Constants.IORING_OFF_SQ_RING);
            int entries = ForeignMemory.getInt(params + Layouts.IoUringParams.SQ_ENTRIES);
            try {
                Mapping sqes =
                        map(
                                fd,
                                (long) entries * Layouts.IoUringSqe.SIZE,
                                Constants.IORING_OFF_SQES);
                return new IoUring(fd, params, rings, sqes);
            } catch (ErrnoException e) {
                rings.unmap();
                throw e;
            }
        } catch (ErrnoException e) {
            fd.close();
            throw e;
        }
    }

    private static Mapping map(Fd fd, long length, long offset) throws ErrnoException {
        int flags = Constants.MAP_SHARED | Constants.MAP_POPULATE;
        return Mapping.map(
                fd.number(), offset, length, Mapping.PROT_READ | Mapping.PROT_WRITE, flags);
    }

    /**
     * One mapping holds both rings (IORING_FEAT_SINGLE_MMAP): it must reach the end of the longer
     * one.
     */
    private static long ringLength(long params) {
        long sq = params + Layouts.IoUringParams.SQ_OFF;
        long cq = params + Layouts.IoUringParams.CQ_OFF;
        long array =
                Integer.toUnsignedLong(ForeignMemory.getInt(sq + Layouts.IoSqringOffsets.ARRAY));
        long cqes = Integer.toUnsignedLong(ForeignMemory.getInt(cq + Layouts.IoCqringOffsets.CQES));
        long sqEntries = ForeignMemory.getInt(params + Layouts.IoUringParams.SQ_ENTRIES);
        long cqEntries = ForeignMemory.getInt(params + Layouts.IoUringParams.CQ_ENTRIES);
        return Math.max(
                array + sqEntries * Integer.BYTES, cqes + cqEntries * Layouts.IoUringCqe.SIZE);
    }

    private long member(long offsetAddress) {
        return rings.address() + Integer.toUnsignedLong(ForeignMemory.getInt(offsetAddress));
    }

    private long prepare(
            int opcode, int target, long offset, long address, int length, long userData) {
        if (pending() == sqEntries) {
            throw new IllegalStateException("submission ring full");
        }
        long sqe = sqes.address() + (long) (sqTail & sqMask) * Layouts.IoUringSqe.SIZE;
        // Opcode, flags, priority and descriptor are the first eight bytes; all that is not set
        // below must be zero.
        ForeignMemory.putLong(sqe, Integer.toUnsignedLong(opcode) | ((long) target << 32));
        ForeignMemory.putLong(sqe + Layouts.IoUringSqe.OFF, offset);
        ForeignMemory.putLong(sqe + Layouts.IoUringSqe.ADDR, address);
        ForeignMemory.putLong(sqe + Layouts.IoUringSqe.LEN, Integer.toUnsignedLong(length));
        ForeignMemory.putLong(sqe + Layouts.IoUringSqe.USER_DATA, userData);
        ForeignMemory.putLong(sqe + Layouts.IoUringSqe.BUF_INDEX, 0);
        ForeignMemory.putLong(sqe + Layouts.IoUringSqe.ADDR3, 0);
        ForeignMemory.putLong(sqe + Layouts.IoUringSqe.ADDR3 + Long.BYTES, 0);
        sqTail++;
        return sqe;
    }

    private int pending() {
        // The kernel's head and not a count of our own: an InternalError from foreign memory may be
        // delivered in place of the result of the call that submitted. Acquire: entries are written
        // anew only after the kernel has read them.
        return sqTail - ForeignMemory.getIntAcquire(sqHeadAddress);
    }

    private int enter(int submit, int wait) {
        if (!enabled) {
            int failure = enable();
            if (failure < 0) {
                return failure;
            }
        }
        // Release: the entries are written before the index that shows them to the kernel.
        ForeignMemory.putIntRelease(sqTailAddress, sqTail);
        // With deferred task work, completions are only posted by a call that asks for events.
        boolean events = wait > 0 || singleIssuer();
        int enterFlags = events ? Constants.IORING_ENTER_GETEVENTS : 0;
        return (int)
                Syscall.call(Syscall.IO_URING_ENTER, fd.number(), submit, wait, enterFlags, 0, 0);
    }

    private boolean refresh() {
        if (loadTail()) {
            return true;
        }
        // The kernel holds completions back: as task work of ours, or because the ring was full.
        int held = Constants.IORING_SQ_TASKRUN | Constants.IORING_SQ_CQ_OVERFLOW;
        if ((ForeignMemory.getIntAcquire(sqFlagsAddress) & held) == 0) {
            return false;
        }
        Syscall.call(
                Syscall.IO_URING_ENTER, fd.number(), 0, 0, Constants.IORING_ENTER_GETEVENTS, 0, 0);
        return loadTail();
    }

    private boolean loadTail() {
        // Acquire: entries are read after the index that shows them to us.
        cqTail = ForeignMemory.getIntAcquire(cqTailAddress);
        return cqHead != cqTail;
    }

    private long cqe() {
        return cqes + (long) (cqHead & cqMask) * Layouts.IoUringCqe.SIZE;
    }

    private int enable() {
        long result =
                Syscall.call(
                        Syscall.IO_URING_REGISTER,
                        fd.number(),
                        Constants.IORING_REGISTER_ENABLE_RINGS,
                        0,
                        0);
        enabled = result >= 0;
        return (int) result;
    }

    private void register(int operation, long argument, int count) throws ErrnoException {
        long result =
                Syscall.call(Syscall.IO_URING_REGISTER, fd.number(), operation, argument, count);
        Syscall.check(result, "io_uring_register", "operation " + operation);
    }
}
