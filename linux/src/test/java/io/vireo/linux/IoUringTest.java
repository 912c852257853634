package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.BitSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IoUringTest {
    private static final int BLOCK = 4096;

    @TempDir Path directory;

    private final IoUring ring;
    private final NativeBuffer buffer = NativeBuffer.allocate(16 * BLOCK, BLOCK);

    IoUringTest() throws ErrnoException {
        ring = IoUring.setup(8);
    }

    @AfterEach
    void close() {
        ring.close();
        buffer.close();
    }

    @Test
    void isAvailable() {
        assertThat(IoUring.unavailableReason()).isEmpty();
        assertThat(IoUring.available()).isTrue();
        assertThat(ring.sqeCapacity()).isEqualTo(8);
        assertThat(ring.cqeCapacity()).isEqualTo(16);
    }

    @Test
    void everyRequestCompletesOnceRoundAfterRound() {
        for (int round = 0; round < 100; round++) {
            BitSet seen = new BitSet();
            for (int i = 0; i < 8; i++) {
                assertThat(ring.sqeFree()).isEqualTo(8 - i);
                ring.nop(i);
            }
            assertThatThrownBy(() -> ring.nop(8)).isInstanceOf(IllegalStateException.class);
            assertThat(ring.submit()).isEqualTo(8);
            while (ring.hasCompletion()) {
                assertThat(ring.result()).isZero();
                assertThat(seen.get((int) ring.userData())).isFalse();
                seen.set((int) ring.userData());
                ring.advance();
            }
            assertThat(seen.cardinality()).isEqualTo(8);
        }
        assertThat(ring.submit()).isZero();
    }

    @Test
    void directIoReachesTheDisk() throws ErrnoException {
        int flags = PathCalls.O_RDWR | PathCalls.O_CREAT | PathCalls.O_DIRECT;
        try (Fd fd = PathCalls.open(directory.resolve("disk"), flags, 0600)) {
            transfer(fd);
        }
    }

    @Test
    void bufferedIoWorksToo() throws ErrnoException {
        try (Fd fd = Memfd.create("disk", 0, 0)) {
            transfer(fd);
        }
    }

    private void transfer(Fd fd) throws ErrnoException {
        int file = fd.number();
        ring.fallocate(file, 0, 0, 8 * BLOCK, 1);
        assertThat(complete(1)).isZero();
        assertThat(FileStat.of(fd).size()).isEqualTo(8 * BLOCK);
        ForeignMemory.fill(buffer.address(), BLOCK, (byte) 1);
        ForeignMemory.fill(buffer.address() + BLOCK, BLOCK, (byte) 2);
        ring.write(file, buffer.address(), BLOCK, 0, 2);
        assertThat(complete(2)).isEqualTo(BLOCK);
        IovecArray iovecs = new IovecArray(2);
        iovecs.set(0, buffer.address() + BLOCK, BLOCK);
        iovecs.set(1, buffer.address(), BLOCK);
        ring.writev(file, iovecs.address(), 2, BLOCK, 3);
        assertThat(complete(3)).isEqualTo(2 * BLOCK);
        ring.fsync(file, true, 4);
        assertThat(complete(4)).isZero();
        ring.fsync(file, false, 5);
        assertThat(complete(5)).isZero();
        ring.read(file, buffer.address() + 4 * BLOCK, 4 * BLOCK, 0, 6);
        assertThat(complete(6)).isEqualTo(4 * BLOCK);
        assertBlocks(4, 1, 2, 1, 0);
        iovecs.set(0, buffer.address() + 8 * BLOCK, BLOCK);
        iovecs.set(1, buffer.address() + 9 * BLOCK, BLOCK);
        ring.readv(file, iovecs.address(), 2, BLOCK, 7);
        assertThat(complete(7)).isEqualTo(2 * BLOCK);
        assertBlocks(8, 2, 1);
    }

    @Test
    void errorsAreResults() throws ErrnoException {
        try (Fd fd = Memfd.create("short", 100, 0)) {
            ring.read(fd.number(), buffer.address(), BLOCK, 60, 1);
            assertThat(complete(1)).isEqualTo(40);
            ring.read(fd.number(), 16, BLOCK, 0, 2);
            assertThat(complete(2)).isEqualTo(-Errno.EFAULT);
            ring.read(-1, buffer.address(), BLOCK, 0, 3);
            assertThat(complete(3)).isEqualTo(-Errno.EBADF);
        }
    }

    @Test
    void waitingRequestsComeOrAreCancelled() throws ErrnoException {
        try (Eventfd eventfd = Eventfd.create()) {
            ring.pollAdd(eventfd.fd().number(), Epoll.EPOLLIN, 1);
            assertThat(ring.submit()).isEqualTo(1);
            assertThat(ring.hasCompletion()).isFalse();
            eventfd.signal();
            assertThat(complete(1)).isEqualTo(Epoll.EPOLLIN);
            eventfd.drain();
            ring.pollAdd(eventfd.fd().number(), Epoll.EPOLLIN, 2);
            ring.submit();
            ring.cancel(2, 3);
            assertThat(ring.submitAndWait(2)).isEqualTo(1);
            long sum = 0;
            for (int i = 0; i < 2; i++) {
                assertThat(ring.hasCompletion()).isTrue();
                assertThat(ring.result()).isEqualTo(ring.userData() == 2 ? -Errno.ECANCELED : 0);
                sum += ring.userData();
                ring.advance();
            }
            assertThat(sum).isEqualTo(5);
            ring.cancel(99, 4);
            assertThat(complete(4)).isEqualTo(-Errno.ENOENT);
        }
    }

    @Test
    void aSleeperIsWokenByTheEventfd() throws ErrnoException {
        try (Eventfd completions = Eventfd.create();
                Eventfd event = Eventfd.create();
                Epoll epoll = Epoll.create()) {
            ring.registerEventfd(completions);
            epoll.add(completions.fd().number(), Epoll.EPOLLIN, 1);
            ring.pollAdd(event.fd().number(), Epoll.EPOLLIN, 7);
            ring.submit();
            completions.drain();
            CompletableFuture<Integer> signaller = CompletableFuture.supplyAsync(event::signal);
            // The completion itself may interrupt the wait (EINTR counts as no event).
            while (epoll.wait(-1) == 0) {
                Thread.onSpinWait();
            }
            assertThat(signaller.join()).isZero();
            assertThat(ring.hasCompletion()).isTrue();
            assertThat(ring.userData()).isEqualTo(7);
        }
    }

    @Test
    void completionsBeyondTheRingAreKept() {
        int total = 4 * ring.cqeCapacity();
        for (int submitted = 0; submitted < total; submitted++) {
            ring.nop(submitted);
            assertThat(ring.submit()).isEqualTo(1);
        }
        BitSet seen = new BitSet();
        while (ring.hasCompletion()) {
            seen.set((int) ring.userData());
            ring.advance();
        }
        assertThat(seen.cardinality()).isEqualTo(total);
        assertThat(ring.lostCompletions()).isZero();
    }

    @Test
    void theFirstThreadThatSubmitsOwnsIt() {
        CompletableFuture<Integer> first =
                CompletableFuture.supplyAsync(
                        () -> {
                            ring.nop(1);
                            return ring.submit();
                        },
                        command -> Thread.ofPlatform().start(command));
        assertThat(first.join()).isEqualTo(1);
        ring.nop(2);
        assertThat(ring.submit()).isEqualTo(ring.singleIssuer() ? -Errno.EEXIST : 1);
    }

    @Test
    void ringsLeaveNoDescriptors() throws ErrnoException {
        int before = OpenFiles.count();
        for (int i = 0; i < 20; i++) {
            IoUring.setup(64).close();
        }
        assertThatThrownBy(() -> IoUring.setup(0)).hasMessageContaining("EINVAL");
        assertThat(OpenFiles.count()).isEqualTo(before);
    }

    /** Submits, waits for the one completion that must be the given one, and returns its result. */
    private int complete(long userData) {
        assertThat(ring.submitAndWait(1)).isNotNegative();
        assertThat(ring.hasCompletion()).isTrue();
        assertThat(ring.userData()).isEqualTo(userData);
        int result = ring.result();
        ring.advance();
        assertThat(ring.hasCompletion()).isFalse();
        return result;
    }

    private void assertBlocks(int first, int... values) {
        for (int i = 0; i < values.length; i++) {
            long block = buffer.address() + (long) (first + i) * BLOCK;
            assertThat(ForeignMemory.getByte(block)).isEqualTo((byte) values[i]);
            assertThat(ForeignMemory.getByte(block + BLOCK - 1)).isEqualTo((byte) values[i]);
        }
    }
}
