package io.vireo.reactor;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.linux.Epoll;
import io.vireo.linux.Eventfd;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class EpollBellTest {
    private static final int CALLS = 1000;
    private static final Duration LONG = Duration.ofSeconds(30);

    private Epoll epoll;
    private Eventfd eventfd;
    private EpollBell bell;

    @BeforeEach
    void watchOne() throws Exception {
        epoll = Epoll.create();
        eventfd = Eventfd.create();
        epoll.add(eventfd.fd().number(), Epoll.EPOLLIN, 0);
        bell = new EpollBell("test", epoll);
    }

    @AfterEach
    void close() {
        bell.close();
        epoll.close();
        eventfd.close();
    }

    @Test
    void ringsWhenADescriptorBecomesReadyAndNotBefore() throws Exception {
        assertSilent();
        Thread.ofPlatform().start(eventfd::signal).join();

        assertThat(ringsInTime()).isTrue();
        assertThat(epoll.wait(0)).isEqualTo(1);
    }

    @Test
    void ringsAgainForWhatWasNotLookedAfter() {
        eventfd.signal();

        assertThat(ringsInTime()).isTrue();
        assertThat(ringsInTime()).isTrue();
        eventfd.drain();
        assertSilent();
    }

    @Test
    void ringsForEachOfManyEvents() {
        for (int i = 0; i < CALLS; i++) {
            eventfd.signal();
            assertThat(ringsInTime()).as("event %d", i).isTrue();
            assertThat(epoll.wait(0)).isEqualTo(1);
            eventfd.drain();
        }
    }

    @Test
    void ringsForADescriptorThatIsWatchedLater() throws Exception {
        assertSilent();
        try (var later = Eventfd.create()) {
            epoll.add(later.fd().number(), Epoll.EPOLLIN, 1);
            assertSilent();
            later.signal();

            assertThat(ringsInTime()).isTrue();
            assertThat(epoll.wait(0)).isEqualTo(1);
            epoll.remove(later.fd().number());
        }
    }

    @Test
    void alwaysRingsWhereTheKernelCannotWait() {
        epoll.close();

        assertThat(ringsInTime()).isTrue();
        for (int i = 0; i < CALLS; i++) {
            assertThat(bell.rings()).isTrue();
        }
    }

    /** One call may say so still: what was ready when it was last asked may not be any more. */
    private void assertSilent() {
        bell.rings();
        bell.rings();
        for (int i = 0; i < CALLS; i++) {
            assertThat(bell.rings()).isFalse();
        }
    }

    private boolean ringsInTime() {
        Instant end = Instant.now().plus(LONG);
        while (Instant.now().isBefore(end)) {
            if (bell.rings()) {
                return true;
            }
        }
        return false;
    }
}
