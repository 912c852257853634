package io.vireo.linux;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class EpollTest {
    @Test
    void reportsWhatIsReadyWithItsData() throws ErrnoException {
        try (Epoll epoll = Epoll.create();
                Eventfd first = Eventfd.create();
                Eventfd second = Eventfd.create()) {
            epoll.add(first.fd().number(), Epoll.EPOLLIN, Long.MIN_VALUE + 1);
            epoll.add(second.fd().number(), Epoll.EPOLLIN, -2);
            assertThat(epoll.wait(0)).isZero();
            first.signal();
            second.signal();
            assertThat(epoll.wait(-1)).isEqualTo(2);
            assertThat(Set.of(epoll.data(0), epoll.data(1)))
                    .isEqualTo(Set.of(Long.MIN_VALUE + 1, -2L));
            assertThat(epoll.events(0)).isEqualTo(Epoll.EPOLLIN);
            epoll.modify(first.fd().number(), Epoll.EPOLLOUT, 3);
            epoll.remove(second.fd().number());
            assertThat(epoll.waitNanos(1_000_000_000)).isEqualTo(1);
            assertThat(epoll.data(0)).isEqualTo(3);
            assertThat(epoll.events(0)).isEqualTo(Epoll.EPOLLOUT);
        }
    }

    @Test
    void edgeTriggeredReportsEverySignalOnce() throws ErrnoException {
        try (Epoll epoll = Epoll.create();
                Eventfd kick = Eventfd.create()) {
            epoll.add(kick.fd().number(), Epoll.EPOLLIN | Epoll.EPOLLET, 1);
            kick.signal();
            assertThat(epoll.wait(0)).isEqualTo(1);
            assertThat(epoll.wait(0)).isZero();
            kick.signal();
            assertThat(epoll.wait(0)).isEqualTo(1);
        }
    }

    @Test
    void moreThanTheCapacityComesInTurns() throws ErrnoException {
        try (Epoll epoll = Epoll.create(2);
                Eventfd first = Eventfd.create();
                Eventfd second = Eventfd.create();
                Eventfd third = Eventfd.create()) {
            Set<Long> seen = new HashSet<>();
            for (Eventfd each : new Eventfd[] {first, second, third}) {
                each.signal();
                epoll.add(each.fd().number(), Epoll.EPOLLIN, each.fd().number());
            }
            for (int round = 0; round < 2; round++) {
                assertThat(epoll.wait(0)).isEqualTo(2);
                seen.add(epoll.data(0));
                seen.add(epoll.data(1));
            }
            assertThat(seen).hasSize(3);
            assertThatThrownBy(() -> epoll.data(2)).isInstanceOf(IndexOutOfBoundsException.class);
        }
    }

    @Test
    void aShortTimeoutEndsWithoutEvents() throws ErrnoException {
        try (Epoll epoll = Epoll.create()) {
            assertThat(epoll.wait(1)).isZero();
            assertThat(epoll.waitNanos(1_000)).isZero();
            assertThat(epoll.waitNanos(0)).isZero();
        }
    }

    @Test
    void misuseIsAnError() throws ErrnoException {
        try (Epoll epoll = Epoll.create();
                Fd file = Memfd.create("file", 0, 0)) {
            assertThatThrownBy(() -> epoll.add(file.number(), Epoll.EPOLLIN, 0))
                    .hasMessageContaining("EPERM");
            assertThatThrownBy(() -> epoll.remove(file.number()))
                    .isInstanceOf(ErrnoException.class);
            epoll.close();
            assertThat(epoll.wait(0)).isEqualTo(-Errno.EBADF);
        }
    }
}
