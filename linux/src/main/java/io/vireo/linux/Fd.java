package io.vireo.linux;

/**
 * An owned file descriptor. Closing is idempotent and never closes a number that the kernel has
 * meanwhile given to somebody else.
 *
 * <p>The owner must not close it while another thread is inside a call with its number; reactors
 * close what they own themselves.
 */
public final class Fd implements AutoCloseable {
    private int number;

    private Fd(int number) {
        this.number = number;
    }

    /** Takes over an open descriptor. */
    public static Fd of(int number) {
        if (number < 0) {
            throw new IllegalArgumentException("not a descriptor: " + number);
        }
        return new Fd(number);
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
        return dup(number);
    }

    /**
     * Returns a new descriptor of the open file behind a number that somebody else owns, closed on
     * exec.
     */
    public static Fd dup(int number) throws ErrnoException {
        long copy = Syscall.call(Syscall.FCNTL, number, Constants.F_DUPFD_CLOEXEC, 0);
        return new Fd((int) Syscall.check(copy, "fcntl", "F_DUPFD_CLOEXEC, fd " + number));
    }

    /** Hands the number over: the caller must close it, this object is closed. */
    public synchronized int release() {
        int released = number;
        number = -1;
        return released;
    }

    /**
     * Closes a number received from a peer, which no object owns. Errors are of no consequence:
     * Linux frees it anyway.
     */
    public static void close(int number) {
        Syscall.call(Syscall.CLOSE, number);
    }

    @Override
    public void close() {
        int closing = release();
        if (closing >= 0) {
            close(closing);
        }
    }

    @Override
    public String toString() {
        return "fd " + number;
    }
}
