package io.vireo.linux;

import java.lang.foreign.Arena;
import java.lang.ref.Reference;

/**
 * Waits for many descriptors at once, epoll(7). One thread waits; any thread may add, modify and
 * remove.
 */
public final class Epoll implements AutoCloseable {
    // linux/eventpoll.h
    public static final int EPOLLIN = 1;
    public static final int EPOLLOUT = 4;
    public static final int EPOLLERR = 8;
    public static final int EPOLLHUP = 0x10;
    public static final int EPOLLRDHUP = 0x2000;
    public static final int EPOLLEXCLUSIVE = 1 << 28;
    public static final int EPOLLONESHOT = 1 << 30;
    public static final int EPOLLET = 1 << 31;

    private static final int DEFAULT_CAPACITY = 256;
    private static final long NANOS_PER_SECOND = 1_000_000_000L;

    private final Fd fd;
    private final int capacity;
    private final Arena arena = Arena.ofAuto();
    private final long ready;
    private final long timeout;
    private boolean nanoseconds = true;

    private Epoll(Fd fd, int capacity) {
        this.fd = fd;
        this.capacity = capacity;
        this.ready = arena.allocate((long) capacity * Layouts.EpollEvent.SIZE, 8).address();
        this.timeout = arena.allocate(Layouts.Timespec.SIZE, 8).address();
    }

    /** Creates an empty set, closed on exec, of which one wait reports up to 256 descriptors. */
    public static Epoll create() throws ErrnoException {
        return create(DEFAULT_CAPACITY);
    }

    /** Creates an empty set of which one wait reports up to {@code capacity} descriptors. */
    public static Epoll create(int capacity) throws ErrnoException {
        long result = Syscall.call(Syscall.EPOLL_CREATE1, Constants.EPOLL_CLOEXEC);
        return new Epoll(Fd.of((int) Syscall.check(result, "epoll_create1", "")), capacity);
    }

    /**
     * Watches a descriptor for EPOLL events; {@code data} comes back with them. EPERM for regular
     * files.
     */
    public void add(int fd, int events, long data) throws ErrnoException {
        control(Constants.EPOLL_CTL_ADD, fd, events, data);
    }

    /** Changes what a descriptor is watched for. */
    public void modify(int fd, int events, long data) throws ErrnoException {
        control(Constants.EPOLL_CTL_MOD, fd, events, data);
    }

    /**
     * Stops watching a descriptor. Do so before closing one whose open file a peer shares: the set
     * follows the open file, not the number, and would go on reporting.
     */
    public void remove(int fd) throws ErrnoException {
        control(Constants.EPOLL_CTL_DEL, fd, 0, 0);
    }

    /**
     * Waits.
     *
     * @param timeoutMillis 0 does not block, -1 waits without end
     * @return the number of descriptors reported, 0 also where a signal came in between, or -errno
     */
    public int wait(int timeoutMillis) {
        long result =
                Syscall.call(
                        Syscall.EPOLL_PWAIT, fd.number(), ready, capacity, timeoutMillis, 0, 8);
        Reference.reachabilityFence(arena);
        return result == -Errno.EINTR ? 0 : (int) result;
    }

    /**
     * Waits with the resolution of the kernel's timers, and of milliseconds (rounded up) before
     * Linux 5.11.
     *
     * @param nanos at least 0
     * @return as {@link #wait(int)}
     */
    public int waitNanos(long nanos) {
        if (nanoseconds) {
            ForeignMemory.putLong(timeout + Layouts.Timespec.TV_SEC, nanos / NANOS_PER_SECOND);
            ForeignMemory.putLong(timeout + Layouts.Timespec.TV_NSEC, nanos % NANOS_PER_SECOND);
            long result =
                    Syscall.call(Syscall.EPOLL_PWAIT2, fd.number(), ready, capacity, timeout, 0, 8);
            Reference.reachabilityFence(arena);
            if (result != -Errno.ENOSYS) {
                return result == -Errno.EINTR ? 0 : (int) result;
            }
            nanoseconds = false;
        }
        return wait((int) Math.min(Integer.MAX_VALUE, (nanos + 999_999) / 1_000_000));
    }

    /** Returns the events of the {@code index}th descriptor that the last wait reported. */
    public int events(int index) {
        return ForeignMemory.getInt(event(index) + Layouts.EpollEvent.EVENTS);
    }

    /** Returns the data of the {@code index}th descriptor that the last wait reported. */
    public long data(int index) {
        return ForeignMemory.getLong(event(index) + Layouts.EpollEvent.DATA);
    }

    /** Returns the descriptor of the set, which can be watched by another one. */
    public Fd fd() {
        return fd;
    }

    @Override
    public void close() {
        fd.close();
    }

    private long event(int index) {
        if (index < 0 || index >= capacity) {
            throw new IndexOutOfBoundsException(index);
        }
        return ready + (long) index * Layouts.EpollEvent.SIZE;
    }

    private void control(int operation, int target, int events, long data) throws ErrnoException {
        try (NativeBuffer event = NativeBuffer.scratch(Layouts.EpollEvent.SIZE)) {
            ForeignMemory.putInt(event.address() + Layouts.EpollEvent.EVENTS, events);
            ForeignMemory.putLong(event.address() + Layouts.EpollEvent.DATA, data);
            long result =
                    Syscall.call(
                            Syscall.EPOLL_CTL, fd.number(), operation, target, event.address());
            Syscall.check(result, "epoll_ctl", "operation " + operation + ", fd " + target);
        }
    }
}
