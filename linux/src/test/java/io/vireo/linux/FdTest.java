package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

class FdTest {
    @Test
    void closingTwiceLeavesTheNumbersNextOwnerAlone() throws ErrnoException {
        Fd first = Memfd.create("first", 0, 0);
        first.close();
        assertThat(first.isOpen()).isFalse();
        assertThat(first.number()).isEqualTo(-1);
        try (Fd second = Memfd.create("second", 0, 0)) {
            first.close();
            assertThat(FileStat.of(second).isRegular()).isTrue();
        }
    }

    @Test
    void duplicatesShareTheFileAndOutliveEachOther() throws ErrnoException {
        int before = OpenFiles.count();
        Fd original = Memfd.create("original", 4096, 0);
        try (Fd copy = original.dup()) {
            assertThat(copy.number()).isNotEqualTo(original.number());
            assertThat(FileStat.of(copy).isSameFile(FileStat.of(original))).isTrue();
            assertThat(OpenFiles.count()).isEqualTo(before + 2);
            original.close();
            assertThat(FileStat.of(copy).size()).isEqualTo(4096);
        }
        assertThat(OpenFiles.count()).isEqualTo(before);
    }

    @Test
    void releasedNumbersStayOpen() throws ErrnoException {
        Fd fd = Memfd.create("released", 0, 0);
        int number = fd.release();
        fd.close();
        assertThat(FileStat.of(number).isRegular()).isTrue();
        Fd.closeNow(number);
        assertThatThrownBy(() -> FileStat.of(number))
                .isInstanceOf(ErrnoException.class)
                .hasMessageContaining("EBADF");
    }

    @Test
    void whatCameFromAPeerIsClosedAfterWhatWasThereBeforeAndEventfdsAtOnce() throws Exception {
        int before = OpenFiles.count();
        var closer = new Closer("closer");
        var blocked = new CountDownLatch(1);
        closer.run(() -> await(blocked));
        UnixSocket[] ends = UnixSocket.pair();
        Fd.foreign(Eventfd.create().fd().release(), closer).close();
        assertThat(OpenFiles.count()).isEqualTo(before + 2);
        Fd memory = Fd.foreign(Memfd.create("memory", 4096, 0).release(), closer);
        Mapping mapping = Mapping.map(memory, 0, 4096, Mapping.PROT_READ, true);
        memory.close(mapping);
        assertThat(memory.isOpen()).isFalse();
        UnixSocket.of(Fd.foreign(ends[0].fd().release(), closer)).close();
        assertThat(OpenFiles.count()).isEqualTo(before + 3);
        assertThat(mapping.isMapped()).isTrue();
        assertThat(closer.waiting()).isEqualTo(2);
        // The other end knows already.
        try (NativeBuffer byteOf = NativeBuffer.allocate(1, 1)) {
            assertThat(ends[1].recvmsg(byteOf.address(), 1, new int[0])).isZero();
        }
        ends[1].close();
        blocked.countDown();
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (OpenFiles.count() > before && System.nanoTime() < deadline) {
            Thread.sleep(1);
        }
        assertThat(OpenFiles.count()).isEqualTo(before);
        assertThat(mapping.isMapped()).isFalse();
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void errorsNameCallContextAndReason() {
        assertThatThrownBy(() -> Fd.dup(-1))
                .isInstanceOfSatisfying(
                        ErrnoException.class,
                        e -> {
                            assertThat(e.errno()).isEqualTo(Errno.EBADF);
                            assertThat(e.errnoName()).isEqualTo("EBADF");
                            assertThat(e.call()).isEqualTo("fcntl");
                            assertThat(e).hasMessage("fcntl(F_DUPFD_CLOEXEC, fd -1): EBADF (9)");
                        });
        assertThat(Errno.name(99999)).isEqualTo("errno 99999");
        assertThat(Errno.name(Errno.EHWPOISON)).isEqualTo("EHWPOISON");
        assertThatThrownBy(() -> Fd.of(-1)).isInstanceOf(IllegalArgumentException.class);
    }
}
