package io.vireo.linux;

import org.jspecify.annotations.Nullable;

/**
 * An owned file descriptor. Closing is idempotent and never closes a number that the kernel has
 * meanwhile given to somebody else.
 *
 * <p>The owner must not close it while another thread is inside a call with its number; reactors
 * close what they own themselves.
 */
public final class Fd implements AutoCloseable {
    private final @Nullable Closer closer;
    private int number;

    private Fd(int number, @Nullable Closer closer) {
        if (number < 0) {
            throw new IllegalArgumentException("not a descriptor: " + number);
        }
        this.number = number;
        this.closer = closer;
    }

    /** Takes over an open descriptor. */
    public static Fd of(int number) {
        return new Fd(number, null);
    }

    /** Takes over a descriptor that came from a peer, for whom there is a closer. */
    public static Fd foreign(int number, Closer closer) {
        return new Fd(number, closer);
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
        return new Fd(duplicate(number), closer);
    }

    /**
     * Returns a new descriptor of the open file behind a number that somebody else owns, closed on
     * exec.
     */
    public static Fd dup(int number) throws ErrnoException {
        return of(duplicate(number));
    }

    private static int duplicate(int number) throws ErrnoException {
        long copy = Syscall.call(Syscall.FCNTL, number, Constants.F_DUPFD_CLOEXEC, 0);
        return (int) Syscall.check(copy, "fcntl", "F_DUPFD_CLOEXEC, fd " + number);
    }

    /** Hands the number over: the caller must close it, this object is closed. */
    public synchronized int release() {
        int released = number;
        number = -1;
        return released;
    }

    /** Closes a number that came by this one, in the same way. */
    void closeAlike(int other) {
        if (closer == null) {
            closeNow(other);
        } else {
            closer.close(other);
        }
    }

    /** Whether a peer is behind it, for whom there is a closer. */
    boolean isForeign() {
        return closer != null;
    }

    /** Errors are of no consequence: Linux frees it anyway. */
    static void closeNow(int number) {
        Syscall.call(Syscall.CLOSE, number);
    }

    @Override
    public void close() {
        int closing = release();
        if (closing >= 0) {
            closeAlike(closing);
        }
    }

    /**
     * Unmaps a mapping of the file and closes it, {@code mapping} not to be used any more: memory
     * of a peer takes its time.
     */
    public void close(Mapping mapping) {
        int closing = release();
        if (closer == null) {
            unmap(mapping, closing);
        } else {
            closer.run(() -> unmap(mapping, closing));
        }
    }

    private static void unmap(Mapping mapping, int closing) {
        mapping.unmap();
        if (closing >= 0) {
            closeNow(closing);
        }
    }

    /** Does something with the file that may wait for the peer, if there is one. */
    public void patiently(Runnable task) {
        if (closer == null) {
            task.run();
        } else {
            closer.run(task);
        }
    }

    @Override
    public String toString() {
        return "fd " + number;
    }
}
