package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** What a reactor does per turn must not allocate once it is compiled. */
class AllocationTest {
    private static final int WARM_UP = 40_000;
    private static final int MEASURED = 10_000;
    private static final int ROUNDS = 1_000;

    private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();

    private interface Turn {
        void run() throws ErrnoException;
    }

    @Test
    void eventfdsAndEpoll() throws ErrnoException, InterruptedException {
        try (Eventfd eventfd = Eventfd.create();
                Epoll epoll = Epoll.create()) {
            int fd = eventfd.fd().number();
            epoll.add(fd, Epoll.EPOLLIN, 1);
            assertAllocatesNothing(() -> {
                Eventfd.signal(fd);
                check(epoll.wait(0) == 1 && epoll.waitNanos(0) == 1 && epoll.data(0) == 1);
                check(epoll.events(0) == Epoll.EPOLLIN && Eventfd.drain(fd) == 0);
            });
        }
    }

    @Test
    void scatteredTransfers() throws ErrnoException, InterruptedException {
        try (Fd fd = Memfd.create("file", 4096, 0);
                NativeBuffer buffer = NativeBuffer.allocate(4096, 4096)) {
            IovecArray iovecs = new IovecArray(2);
            assertAllocatesNothing(() -> {
                iovecs.set(0, buffer.address(), 1024);
                iovecs.set(1, buffer.address() + 2048, 1024);
                check(FileCalls.pwritev(fd.number(), iovecs.address(), 2, 0) == 2048);
                check(FileCalls.preadv(fd.number(), iovecs.address(), 2, 0) == 2048);
            });
        }
    }

    @Test
    void socketMessages() throws ErrnoException, InterruptedException {
        UnixSocket[] ends = UnixSocket.pair();
        try (UnixSocket sender = ends[0];
                UnixSocket receiver = ends[1];
                NativeBuffer buffer = NativeBuffer.allocate(64, 8)) {
            int[] fds = {sender.fd().number()};
            assertAllocatesNothing(() -> {
                check(sender.sendmsg(buffer.address(), 64, fds, 1) == 64);
                check(
                        receiver.recvmsg(buffer.address(), 64, fds) == 64
                                && receiver.receivedFds() == 1);
                Fd.closeNow(fds[0]);
                fds[0] = sender.fd().number();
            });
        }
    }

    @Test
    void rings() throws ErrnoException, InterruptedException {
        try (IoUring ring = IoUring.setup(8);
                Fd fd = Memfd.create("file", 4096, 0);
                NativeBuffer buffer = NativeBuffer.allocate(4096, 4096)) {
            assertAllocatesNothing(() -> {
                ring.write(fd.number(), buffer.address(), 4096, 0, 1);
                ring.nop(2);
                check(ring.submitAndWait(2) == 2);
                while (ring.hasCompletion()) {
                    check(ring.result() == (ring.userData() == 1 ? 4096 : 0));
                    ring.advance();
                }
            });
        }
    }

    @Test
    void memoryAccess() throws ErrnoException, InterruptedException {
        byte[] array = new byte[64];
        try (NativeBuffer buffer = NativeBuffer.allocate(4096, 4096)) {
            long at = buffer.address();
            assertAllocatesNothing(() -> {
                ForeignMemory.putShortRelease(
                        at, (short) (ForeignMemory.getShortAcquire(at + 2) + 1));
                ForeignMemory.putLong(at + 9, ForeignMemory.getLong(at + 17) + 1);
                ForeignMemory.copyToArray(at, array, 0, 64);
                ForeignMemory.copyFromArray(array, 0, at + 64, 64);
                ForeignMemory.copy(at, at + 2048, 1518);
                ForeignMemory.fill(at + 128, 100, (byte) 1);
            });
        }
    }

    private static void check(boolean condition) {
        if (!condition) {
            throw new AssertionError("a call went wrong");
        }
    }

    private static void assertAllocatesNothing(Turn turn)
            throws ErrnoException, InterruptedException {
        repeat(turn, WARM_UP);
        long least = Long.MAX_VALUE;
        // On a busy machine the compiler's threads may lag far behind: give them time.
        for (int round = 0; round < ROUNDS && least > 0; round++) {
            long before = THREADS.getCurrentThreadAllocatedBytes();
            repeat(turn, MEASURED);
            least = Math.min(least, THREADS.getCurrentThreadAllocatedBytes() - before);
            Thread.sleep(least > 0 ? 20 : 0);
        }
        assertThat(least).isZero();
    }

    private static void repeat(Turn turn, int times) throws ErrnoException {
        for (int i = 0; i < times; i++) {
            turn.run();
        }
    }
}
