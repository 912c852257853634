package io.vireo.bench;

import io.vireo.linux.Epoll;
import io.vireo.linux.ErrnoException;
import io.vireo.testkit.VhostUserSession.Ring;

/** The interrupts of one ring, for a driver that sleeps while there is nothing to do. */
final class Interrupts implements AutoCloseable {
    /** So that what stalls is noticed. */
    private static final int MILLIS = 1000;

    private final Ring ring;
    private final Epoll epoll;

    Interrupts(Ring ring) {
        this.ring = ring;
        try {
            epoll = Epoll.create(1);
            epoll.add(ring.call().fd().number(), Epoll.EPOLLIN, 0);
        } catch (ErrnoException e) {
            throw new BenchException("Interrupts cannot be waited for.", e);
        }
    }

    /** Waits for one if nothing has ended meanwhile; the ring is disarmed before and after. */
    void await() {
        if (ring.queue().arm()) {
            epoll.wait(MILLIS);
            ring.call().drain();
        }
        ring.queue().disarm();
    }

    @Override
    public void close() {
        epoll.close();
    }
}
