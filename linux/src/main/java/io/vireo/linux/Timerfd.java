package io.vireo.linux;

import java.lang.foreign.Arena;
import java.lang.ref.Reference;

/** A timer on the monotonic clock that becomes readable when it expires, timerfd_create(2). */
public final class Timerfd implements AutoCloseable {
    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private final Fd fd;
    private final Arena arena = Arena.ofAuto();
    private final long setting = arena.allocate(Layouts.Itimerspec.SIZE, 8).address();
    private final long expirations = arena.allocate(Long.BYTES, Long.BYTES).address();

    private Timerfd(Fd fd) {
        this.fd = fd;
    }

    /** Creates a timer that is not set, non-blocking, closed on exec. */
    public static Timerfd create() throws ErrnoException {
        int flags = Constants.TFD_CLOEXEC | Constants.TFD_NONBLOCK;
        long result = Syscall.call(Syscall.TIMERFD_CREATE, Constants.CLOCK_MONOTONIC, flags);
        return new Timerfd(Fd.of((int) Syscall.check(result, "timerfd_create", "")));
    }

    /**
     * Expires once, {@code nanos} from now, instead of what was set before; 0 clears it. Returns 0
     * or -errno.
     */
    public int set(long nanos) {
        return set(nanos, 0, 0);
    }

    /** Expires every {@code nanos}. Returns 0 or -errno. */
    public int setPeriodic(long nanos) {
        return set(nanos, nanos, 0);
    }

    /**
     * Expires once when {@link System#nanoTime}, which is this clock on Linux, reaches {@code
     * deadline}. Returns 0 or -errno.
     */
    public int setDeadline(long deadline) {
        return set(Math.max(1, deadline), 0, Constants.TFD_TIMER_ABSTIME);
    }

    /** Returns the number of expirations since the last call, -EAGAIN if none. */
    public long drain() {
        long result = Syscall.call(Syscall.READ, fd.number(), expirations, Long.BYTES);
        long count = result < 0 ? result : ForeignMemory.getLong(expirations);
        Reference.reachabilityFence(arena);
        return count;
    }

    /** Returns the descriptor. */
    public Fd fd() {
        return fd;
    }

    @Override
    public void close() {
        fd.close();
    }

    private int set(long value, long interval, int flags) {
        putTimespec(setting + Layouts.Itimerspec.IT_INTERVAL, interval);
        putTimespec(setting + Layouts.Itimerspec.IT_VALUE, value);
        long result = Syscall.call(Syscall.TIMERFD_SETTIME, fd.number(), flags, setting, 0);
        Reference.reachabilityFence(arena);
        return (int) result;
    }

    private static void putTimespec(long address, long nanos) {
        ForeignMemory.putLong(address + Layouts.Timespec.TV_SEC, nanos / NANOS_PER_SECOND);
        ForeignMemory.putLong(address + Layouts.Timespec.TV_NSEC, nanos % NANOS_PER_SECOND);
    }
}
