package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class EventfdTest {
    @Test
    void signalsAddUpToOneDrain() throws ErrnoException {
        try (Eventfd eventfd = Eventfd.create()) {
            assertThat(eventfd.drain()).isEqualTo(-Errno.EAGAIN);
            assertThat(eventfd.signal()).isZero();
            assertThat(eventfd.signal()).isZero();
            assertThat(eventfd.drain()).isZero();
            assertThat(eventfd.drain()).isEqualTo(-Errno.EAGAIN);
        }
    }

    @Test
    void drainingDoesNotBlockOnOneThatThePeerMadeBlocking() throws ErrnoException {
        try (Eventfd eventfd = Eventfd.create()) {
            int fd = eventfd.fd().number();
            FileCalls.setFlags(fd, FileCalls.flags(fd) & ~PathCalls.O_NONBLOCK);
            assertThat(Eventfd.drain(fd)).isEqualTo(-Errno.EAGAIN);
            FileCalls.setNonBlocking(fd);
            assertThat(FileCalls.flags(fd) & PathCalls.O_NONBLOCK).isNotZero();
        }
    }

    @Test
    void aFullCounterIsReported() throws ErrnoException {
        try (Eventfd eventfd = Eventfd.create();
                NativeBuffer most = NativeBuffer.allocate(8, 8)) {
            ForeignMemory.putLong(most.address(), -2);
            assertThat(FileCalls.write(eventfd.fd().number(), most.address(), 8)).isEqualTo(8);
            assertThat(eventfd.signal()).isEqualTo(-Errno.EAGAIN);
            assertThat(eventfd.drain()).isZero();
        }
    }

    @Test
    void othersAreRecognized() throws ErrnoException {
        try (Eventfd eventfd = Eventfd.create();
                Fd file = Memfd.create("no eventfd", 0, 0);
                Epoll epoll = Epoll.create()) {
            assertThat(Eventfd.isEventfd(eventfd.fd().number())).isTrue();
            assertThat(Eventfd.isEventfd(file.number())).isFalse();
            assertThat(Eventfd.isEventfd(epoll.fd().number())).isFalse();
            assertThat(Eventfd.isEventfd(-1)).isFalse();
        }
        assertThat(Eventfd.signal(-1)).isEqualTo(-Errno.EBADF);
        assertThat(Eventfd.drain(-1)).isEqualTo(-Errno.EBADF);
    }
}
