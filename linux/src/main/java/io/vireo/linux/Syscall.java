package io.vireo.linux;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * The one door into the kernel: {@code syscall(2)} with up to six register arguments.
 *
 * <p>Everything goes by number instead of by a glibc wrapper, so that structures are those of the
 * kernel's UAPI headers on every C library and that calls which an old glibc does not know
 * (openat2, epoll_pwait2, io_uring) are no special case. Addresses are passed as {@code long}: a
 * call allocates nothing.
 *
 * <p>The downcall is never {@code critical}: many of these calls may block, and a thread in a
 * critical call would stop every safepoint of the virtual machine.
 */
final class Syscall {
    /** Numbers differ by architecture: asm/unistd_64.h and asm-generic/unistd.h. */
    static final boolean AARCH64 = isAarch64();

    static final int READ = number(0, 63);
    static final int WRITE = number(1, 64);
    static final int CLOSE = number(3, 57);
    static final int MMAP = number(9, 222);
    static final int MUNMAP = number(11, 215);
    static final int IOCTL = number(16, 29);
    static final int PREAD64 = number(17, 67);
    static final int PWRITE64 = number(18, 68);
    static final int WRITEV = number(20, 66);
    static final int MADVISE = number(28, 233);
    static final int SOCKET = number(41, 198);
    static final int CONNECT = number(42, 203);
    static final int SENDTO = number(44, 206);
    static final int RECVFROM = number(45, 207);
    static final int SENDMSG = number(46, 211);
    static final int RECVMSG = number(47, 212);
    static final int SHUTDOWN = number(48, 210);
    static final int BIND = number(49, 200);
    static final int LISTEN = number(50, 201);
    static final int GETSOCKNAME = number(51, 204);
    static final int GETPEERNAME = number(52, 205);
    static final int SOCKETPAIR = number(53, 199);
    static final int SETSOCKOPT = number(54, 208);
    static final int GETSOCKOPT = number(55, 209);
    static final int FCNTL = number(72, 25);
    static final int FSYNC = number(74, 82);
    static final int FDATASYNC = number(75, 83);
    static final int FTRUNCATE = number(77, 46);
    static final int GETEUID = number(107, 175);
    static final int GETEGID = number(108, 177);
    static final int FSTATFS = number(138, 44);
    static final int GETTID = number(186, 178);
    static final int SCHED_SETAFFINITY = number(203, 122);
    static final int SCHED_GETAFFINITY = number(204, 123);
    static final int EPOLL_CTL = number(233, 21);
    static final int MKDIRAT = number(258, 34);
    static final int FCHOWNAT = number(260, 54);
    static final int UNLINKAT = number(263, 35);
    static final int READLINKAT = number(267, 78);
    static final int FCHMODAT = number(268, 53);
    static final int UNSHARE = number(272, 97);
    static final int EPOLL_PWAIT = number(281, 22);
    static final int FALLOCATE = number(285, 47);
    static final int ACCEPT4 = number(288, 242);
    static final int EVENTFD2 = number(290, 19);
    static final int EPOLL_CREATE1 = number(291, 20);
    static final int PREADV = number(295, 69);
    static final int PWRITEV = number(296, 70);
    static final int PRLIMIT64 = number(302, 261);
    static final int SENDMMSG = number(307, 269);
    static final int SETNS = number(308, 268);
    static final int RENAMEAT2 = number(316, 276);
    static final int MEMFD_CREATE = number(319, 279);
    static final int BPF = number(321, 280);
    static final int PREADV2 = number(327, 286);
    static final int STATX = number(332, 291);
    static final int IO_URING_SETUP = number(425, 425);
    static final int IO_URING_ENTER = number(426, 426);
    static final int IO_URING_REGISTER = number(427, 427);
    static final int OPENAT2 = number(437, 437);
    static final int EPOLL_PWAIT2 = number(441, 441);

    private static final MethodHandle SYSCALL = link();

    private static final ThreadLocal<MemorySegment> ERRNO =
            ThreadLocal.withInitial(
                    () -> Arena.ofAuto().allocate(Linker.Option.captureStateLayout()));

    private Syscall() {}

    /**
     * Returns the call's result, or the negated error number. Neither throws on failure nor
     * allocates: the slice that the JDK makes of the segment for errno is removed by the compiler,
     * but only where all of the call is inlined into what is compiled. Under fifteen other methods
     * (MaxInlineLevel) it is not, so the daemon and the tests are told to compile this one by
     * itself.
     */
    static long call(int number, long a, long b, long c, long d, long e, long f) {
        MemorySegment state = ERRNO.get();
        try {
            long result = (long) SYSCALL.invokeExact(state, (long) number, a, b, c, d, e, f);
            return result == -1 ? -(long) state.get(ValueLayout.JAVA_INT, 0) : result;
        } catch (RuntimeException | Error thrown) {
            throw thrown;
        } catch (Throwable impossible) {
            throw new AssertionError(impossible);
        }
    }

    static long call(int number) {
        return call(number, 0, 0, 0, 0, 0, 0);
    }

    static long call(int number, long a) {
        return call(number, a, 0, 0, 0, 0, 0);
    }

    static long call(int number, long a, long b) {
        return call(number, a, b, 0, 0, 0, 0);
    }

    static long call(int number, long a, long b, long c) {
        return call(number, a, b, c, 0, 0, 0);
    }

    static long call(int number, long a, long b, long c, long d) {
        return call(number, a, b, c, d, 0, 0);
    }

    static long call(int number, long a, long b, long c, long d, long e) {
        return call(number, a, b, c, d, e, 0);
    }

    /** Turns a negated error number into an exception and passes everything else on. */
    static long check(long result, String call, Object context) throws ErrnoException {
        if (result < 0) {
            throw new ErrnoException((int) -result, call, String.valueOf(context));
        }
        return result;
    }

    private static MethodHandle link() {
        Linker linker = Linker.nativeLinker();
        FunctionDescriptor descriptor =
                FunctionDescriptor.of(
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG);
        return linker.downcallHandle(
                linker.defaultLookup().findOrThrow("syscall"),
                descriptor,
                Linker.Option.firstVariadicArg(1),
                Linker.Option.captureCallState("errno"));
    }

    private static int number(int x86, int aarch64) {
        return AARCH64 ? aarch64 : x86;
    }

    private static boolean isAarch64() {
        String arch = System.getProperty("os.arch", "");
        return switch (arch) {
            case "amd64", "x86_64" -> false;
            case "aarch64" -> true;
            default -> throw new UnsupportedOperationException("no system call table for " + arch);
        };
    }
}
