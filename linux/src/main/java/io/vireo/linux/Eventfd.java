package io.vireo.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A counter that wakes a poller, eventfd(2), ours or a peer's.
 *
 * <p>The static methods serve descriptors that a peer made, of which only the number is known. A
 * peer shares the open file's flags with us and may make it blocking at any time. Draining is safe
 * against that (RWF_NOWAIT). Signalling can then block while the counter is at its maximum; {@link
 * #drain(int)} from any other thread frees the one that hangs.
 */
public final class Eventfd implements AutoCloseable {
    private static final String LINK = "anon_inode:[eventfd]";

    /** The value 1, only ever read. */
    private static final long ONE = one();

    /** Where drained counters go, which nobody looks at; threads may overwrite each other's. */
    private static final long SINK = Arena.global().allocate(Long.BYTES, Long.BYTES).address();

    private static final long SINK_IOVEC = sinkIovec();

    private final Fd fd;

    private Eventfd(Fd fd) {
        this.fd = fd;
    }

    /** Creates a counter of 0, non-blocking, closed on exec. */
    public static Eventfd create() throws ErrnoException {
        return create(0, 0);
    }

    /**
     * Creates a counter that each read lessens by one only (EFD_SEMAPHORE): a single drain does not
     * empty it.
     *
     * @param initial value, an unsigned number
     */
    public static Eventfd createSemaphore(int initial) throws ErrnoException {
        return create(initial, Constants.EFD_SEMAPHORE);
    }

    private static Eventfd create(int initial, int mode) throws ErrnoException {
        int flags = mode | Constants.EFD_CLOEXEC | Constants.EFD_NONBLOCK;
        long result = Syscall.call(Syscall.EVENTFD2, initial, flags);
        return new Eventfd(Fd.of((int) Syscall.check(result, "eventfd2", "")));
    }

    /** Returns the descriptor. */
    public Fd fd() {
        return fd;
    }

    /**
     * Adds one. Returns 0 or -errno; a full counter (-EAGAIN) wakes the other side all the same.
     */
    public int signal() {
        return signal(fd.number());
    }

    /** Resets the counter. Returns 0, or -EAGAIN if it was 0 already. */
    public int drain() {
        return drain(fd.number());
    }

    /** Adds one to an eventfd that somebody else may have made. Returns 0 or -errno. */
    public static int signal(int fd) {
        long result = Syscall.call(Syscall.WRITE, fd, ONE, Long.BYTES);
        return result < 0 ? (int) result : 0;
    }

    /** Resets an eventfd that somebody else may have made, never blocking. Returns 0 or -errno. */
    public static int drain(int fd) {
        // Offset -1: a file without position; the high half is unused on 64 bit.
        long result =
                Syscall.call(Syscall.PREADV2, fd, SINK_IOVEC, 1, -1, -1, Constants.RWF_NOWAIT);
        return result < 0 ? (int) result : 0;
    }

    /**
     * Returns whether a descriptor received from a peer is an eventfd, and not some file that would
     * block or be written to.
     */
    public static boolean isEventfd(int fd) {
        try {
            return PathCalls.descriptorTarget(fd).equals(LINK);
        } catch (ErrnoException e) {
            return false;
        }
    }

    @Override
    public void close() {
        fd.close();
    }

    private static long one() {
        MemorySegment one = Arena.global().allocate(Long.BYTES, Long.BYTES);
        ForeignMemory.putLong(one.address(), 1);
        return one.address();
    }

    private static long sinkIovec() {
        IovecArray iovec = new IovecArray(Arena.global(), 1);
        iovec.set(0, SINK, Long.BYTES);
        return iovec.address();
    }
}
