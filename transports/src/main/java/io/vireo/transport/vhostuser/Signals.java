package io.vireo.transport.vhostuser;

import io.vireo.linux.Epoll;
import io.vireo.linux.Eventfd;
import io.vireo.linux.Fd;
import io.vireo.reactor.FdWatch;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import io.vireo.virtqueue.Notifier;
import io.vireo.virtqueue.Virtqueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The eventfds of one ring: kick, call and error. It lives on the reactor that owns the queue, so
 * that a descriptor is never closed while the other thread writes to its number.
 */
final class Signals implements Notifier {
    /**
     * How often a ring is looked at whose front end gave no kick descriptor and wants polling
     * instead.
     */
    private static final long POLL_NANOS = TimeUnit.MICROSECONDS.toNanos(250);

    private Reactor reactor;
    private @Nullable Fd kick;
    private @Nullable Fd call;
    private @Nullable Fd error;
    private @Nullable FdWatch watch;
    private @Nullable Timer poll;
    private @Nullable Virtqueue queue;

    // For freeStuck: odd while a descriptor is being signalled, and which one.
    private volatile int sequence;
    private volatile int signalling = -1;
    private int lastSequence;

    Signals(Reactor reactor) {
        this.reactor = reactor;
    }

    /** They live on another reactor from now on; no queue is attached. */
    void rehome(Reactor to) {
        reactor = to;
    }

    /**
     * Takes a kick descriptor, or none: then the ring is polled. A kick may have gone to the one
     * before.
     */
    void kick(@Nullable Fd fd) {
        unwatch();
        close(kick);
        kick = fd;
        if (queue != null) {
            watch(queue);
            queue.kick();
        }
    }

    /**
     * Takes a call descriptor, or none. A notification may have gone to the one before, so the new
     * one gets one, too.
     */
    void call(@Nullable Fd fd) {
        close(call);
        call = fd;
        if (queue != null) {
            notifyDriver();
        }
    }

    /** Takes an error descriptor, or none. */
    void error(@Nullable Fd fd) {
        close(error);
        error = fd;
    }

    /**
     * A queue gets its kicks from now on.
     *
     * @throws java.io.UncheckedIOException if the host cannot watch another descriptor
     */
    void attach(Virtqueue started) {
        watch(started);
        queue = started;
    }

    /** The queue runs: notifications that were lost before are made up for, in both directions. */
    void makeUp() {
        if (queue != null) {
            queue.kick();
            notifyDriver();
        }
    }

    /** The queue gets no more kicks. */
    void detach() {
        unwatch();
        queue = null;
    }

    /** Tells the front end that the ring is broken. */
    void signalError() {
        if (error != null) {
            signal(error);
        }
    }

    @Override
    public void notifyDriver() {
        if (call != null) {
            signal(call);
        }
    }

    /** Hangs where the front end made the descriptor blocking and full, until it is freed. */
    private void signal(Fd to) {
        signalling = to.number();
        sequence++;
        Eventfd.signal(to.number());
        sequence++;
    }

    /**
     * Whether the reactor hangs in a call, since the front end made its eventfd blocking and full;
     * if so, frees it. To be called once in a while, from one thread of another reactor.
     */
    boolean freeStuck() {
        int seen = sequence;
        boolean stuck = (seen & 1) != 0 && seen == lastSequence;
        lastSequence = seen;
        if (stuck) {
            // The number is not closed meanwhile: the thread that would close it is the one that
            // hangs.
            Eventfd.drain(signalling);
        }
        return stuck;
    }

    void close() {
        detach();
        kick(null);
        call(null);
        error(null);
    }

    private void watch(Virtqueue running) {
        if (kick != null) {
            int fd = kick.number();
            // Edge-triggered: a counter that cannot be drained in one go (a semaphore) does not
            // keep us busy.
            watch =
                    reactor.watch(
                            fd,
                            Epoll.EPOLLIN | Epoll.EPOLLET,
                            _ -> {
                                Eventfd.drain(fd);
                                running.kick();
                            });
        } else {
            poll = reactor.schedule(POLL_NANOS, () -> poll(running));
        }
    }

    private void poll(Virtqueue running) {
        if (running.hasAvailable()) {
            running.kick();
        }
        poll = reactor.schedule(POLL_NANOS, () -> poll(running));
    }

    private void unwatch() {
        if (watch != null) {
            watch.close();
            watch = null;
        }
        if (poll != null) {
            poll.cancel();
            poll = null;
        }
    }

    private static void close(@Nullable Fd fd) {
        if (fd != null) {
            fd.close();
        }
    }
}
