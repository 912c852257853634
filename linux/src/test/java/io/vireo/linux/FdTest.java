package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
        Fd.closeForeign(number);
        assertThatThrownBy(() -> FileStat.of(number))
                .isInstanceOf(ErrnoException.class)
                .hasMessageContaining("EBADF");
    }

    @Test
    void whatCameFromAPeerIsClosedAtOnceOrALittleLater() throws Exception {
        int before = OpenFiles.count();
        UnixSocket[] ends = UnixSocket.pair();
        Fd.foreign(Memfd.create("memory", 0, 0).release()).close();
        Fd.foreign(Eventfd.create().fd().release()).close();
        assertThat(OpenFiles.count()).isEqualTo(before + 2);
        Fd one = Fd.foreign(ends[0].fd().release());
        one.close();
        assertThat(one.isOpen()).isFalse();
        ends[1].close();
        long deadline = System.nanoTime() + 10_000_000_000L;
        while (OpenFiles.count() > before && System.nanoTime() < deadline) {
            Thread.sleep(1);
        }
        assertThat(OpenFiles.count()).isEqualTo(before);
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
