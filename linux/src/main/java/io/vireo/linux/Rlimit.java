package io.vireo.linux;

/**
 * A resource limit of this process, getrlimit(2).
 *
 * @param soft what holds now, as an unsigned number; {@link #INFINITY} for none
 * @param hard up to where the soft one may be raised without CAP_SYS_RESOURCE
 */
public record Rlimit(long soft, long hard) {
    // asm-generic/resource.h, linux/resource.h
    /** Open descriptors. */
    public static final int RLIMIT_NOFILE = 7;

    /** Locked bytes. */
    public static final int RLIMIT_MEMLOCK = 8;

    /** No limit, RLIM64_INFINITY. */
    public static final long INFINITY = -1;

    /** Returns the limit on a resource, an RLIMIT constant. */
    public static Rlimit of(int resource) throws ErrnoException {
        try (NativeBuffer limit = NativeBuffer.scratch(Layouts.Rlimit64.SIZE)) {
            Syscall.check(
                    Syscall.call(Syscall.PRLIMIT64, 0, resource, 0, limit.address()),
                    "prlimit64",
                    resource);
            return new Rlimit(
                    ForeignMemory.getLong(limit.address() + Layouts.Rlimit64.RLIM_CUR),
                    ForeignMemory.getLong(limit.address() + Layouts.Rlimit64.RLIM_MAX));
        }
    }

    /** Sets this limit on a resource, an RLIMIT constant. */
    public void apply(int resource) throws ErrnoException {
        try (NativeBuffer limit = NativeBuffer.scratch(Layouts.Rlimit64.SIZE)) {
            ForeignMemory.putLong(limit.address() + Layouts.Rlimit64.RLIM_CUR, soft);
            ForeignMemory.putLong(limit.address() + Layouts.Rlimit64.RLIM_MAX, hard);
            Syscall.check(
                    Syscall.call(Syscall.PRLIMIT64, 0, resource, limit.address(), 0),
                    "prlimit64",
                    resource);
        }
    }

    /** Raises the soft limit on a resource to the hard one and returns what holds then. */
    public static Rlimit raise(int resource) throws ErrnoException {
        Rlimit limit = of(resource);
        Rlimit raised = new Rlimit(limit.hard, limit.hard);
        raised.apply(resource);
        return raised;
    }
}
