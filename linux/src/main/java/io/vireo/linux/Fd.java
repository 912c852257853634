package io.vireo.linux;

/**
 * An owned file descriptor. Closing is idempotent and never closes a number that the kernel has
 * meanwhile given to somebody else.
 *
 * <p>The owner must not close it while another thread is inside a call with its number; reactors
 * close what they own themselves.
 */
public final class Fd implements AutoCloseable {
    private final boolean foreign;
    private int number;

    private Fd(int number, boolean foreign) {
        this.number = number;
        this.foreign = foreign;
    }

    /** Takes over an open descriptor. */
    public static Fd of(int number) {
        return of(number, false);
    }

    /** Takes over a descriptor that came from a peer: it is closed as {@link #closeForeign}. */
    public static Fd foreign(int number) {
        return of(number, true);
    }

    private static Fd of(int number, boolean foreign) {
        if (number < 0) {
            throw new IllegalArgumentException("not a descriptor: " + number);
        }
        return new Fd(number, foreign);
    }

    /** Returns the number, or -1 after closing, which every system call answers by EBADF. */
    public int number() {
        return number;
    }

    /** Returns whether this descriptor has not been closed yet. */
    public synchronized boolean isOpen() {
        return number >= 0;
    }

    /** Returns a second descriptor of the same open file, closed on exec. */
    public Fd dup() throws ErrnoException {
        return dup(number, foreign);
    }

    /**
     * Returns a new descriptor of the open file behind a number that somebody else owns, closed on
     * exec.
     */
    public static Fd dup(int number) throws ErrnoException {
        return dup(number, false);
    }

    private static Fd dup(int number, boolean foreign) throws ErrnoException {
        long copy = Syscall.call(Syscall.FCNTL, number, Constants.F_DUPFD_CLOEXEC, 0);
        return of((int) Syscall.check(copy, "fcntl", "F_DUPFD_CLOEXEC, fd " + number), foreign);
    }

    /** Hands the number over: the caller must close it, this object is closed. */
    public synchronized int release() {
        int released = number;
        number = -1;
        return released;
    }

    /**
     * Closes a number received from a peer, which no object owns. What is behind it is the peer's
     * choice, and to close it may take as long as the peer likes, see {@link Closers}: where it
     * may, it is closed a little later.
     */
    public static void closeForeign(int number) {
        if (Memfd.isMemory(number) || Eventfd.isEventfd(number)) {
            closeNow(number);
        } else {
            Closers.close(number);
        }
    }

    /** Errors are of no consequence: Linux frees it anyway. */
    static void closeNow(int number) {
        Syscall.call(Syscall.CLOSE, number);
    }

    @Override
    public void close() {
        int closing = release();
        if (closing >= 0 && foreign) {
            closeForeign(closing);
        } else if (closing >= 0) {
            closeNow(closing);
        }
    }

    @Override
    public String toString() {
        return "fd " + number;
    }
}
