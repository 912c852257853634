package io.vireo.linux;

import java.io.IOException;

/** A system call of the control path that failed: which one, on what, and why. */
public final class ErrnoException extends IOException {
    private static final long serialVersionUID = 1;

    private final int errno;
    private final String call;

    /**
     * Creates the exception.
     *
     * @param errno the positive error number, one of {@link Errno}
     * @param call the system call's name
     * @param context what it was applied to: a path, a descriptor number, an interface
     */
    public ErrnoException(int errno, String call, String context) {
        super(call + "(" + context + "): " + Errno.name(errno) + " (" + errno + ")");
        this.errno = errno;
        this.call = call;
    }

    /** Returns the positive error number. */
    public int errno() {
        return errno;
    }

    /** Returns the symbolic name, such as {@code "ENOENT"}. */
    public String errnoName() {
        return Errno.name(errno);
    }

    /** Returns the name of the system call that failed. */
    public String call() {
        return call;
    }
}
