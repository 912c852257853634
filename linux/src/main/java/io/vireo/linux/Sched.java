package io.vireo.linux;

import java.util.BitSet;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** On which CPUs a thread runs, sched_setaffinity(2). */
public final class Sched {
    /** The thread that calls. */
    public static final int CURRENT = 0;

    /** Room for 8192 CPUs, the most that Linux is configured for. */
    private static final int MASK_BYTES = 1024;

    private Sched() {}

    /** Returns the kernel's identity of the current (platform) thread. */
    public static int gettid() {
        return (int) Syscall.call(Syscall.GETTID);
    }

    /** Lets a thread run on {@code cpus} only; EINVAL where none of them is there. */
    public static void setAffinity(int tid, BitSet cpus) throws ErrnoException {
        byte[] bytes = cpus.toByteArray();
        if (bytes.length > MASK_BYTES) {
            throw new ErrnoException(Errno.EINVAL, "sched_setaffinity", cpus.toString());
        }
        try (NativeBuffer mask = NativeBuffer.scratch(MASK_BYTES)) {
            ForeignMemory.copyFromArray(bytes, 0, mask.address(), bytes.length);
            long result = Syscall.call(Syscall.SCHED_SETAFFINITY, tid, MASK_BYTES, mask.address());
            Syscall.check(result, "sched_setaffinity", cpus);
        }
    }

    /** Lets the current thread run on one CPU only. */
    public static void pin(int cpu) throws ErrnoException {
        BitSet cpus = new BitSet();
        cpus.set(cpu);
        setAffinity(CURRENT, cpus);
    }

    /** Returns the CPUs on which a thread may run. */
    public static BitSet affinity(int tid) throws ErrnoException {
        try (NativeBuffer mask = NativeBuffer.scratch(MASK_BYTES)) {
            long result = Syscall.call(Syscall.SCHED_GETAFFINITY, tid, MASK_BYTES, mask.address());
            byte[] bytes = new byte[(int) Syscall.check(result, "sched_getaffinity", "tid " + tid)];
            ForeignMemory.copyToArray(mask.address(), bytes, 0, bytes.length);
            return BitSet.valueOf(bytes);
        }
    }

    /**
     * Returns the CPUs to which threads of the process can be bound: those that are online and in
     * its cpuset(7). They may be more than those on which it was started.
     */
    public static BitSet bindableCpus() throws ErrnoException {
        var all = new BitSet();
        all.set(0, MASK_BYTES * Byte.SIZE);
        var bindable =
                new FutureTask<>(() -> {
                    setAffinity(CURRENT, all);
                    return affinity(CURRENT);
                });
        // A thread of its own, whose affinity ends with it.
        Thread.ofPlatform().name("cpus").start(bindable);
        try {
            return bindable.get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof ErrnoException refused) {
                throw refused;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new ErrnoException(Errno.EINTR, "sched_setaffinity", "all");
        }
    }

    /** Returns the CPUs on which the process may run: those of its main thread. */
    public static BitSet availableCpus() throws ErrnoException {
        return affinity((int) ProcessHandle.current().pid());
    }
}
