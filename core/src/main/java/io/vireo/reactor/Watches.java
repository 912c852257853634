package io.vireo.reactor;

import io.vireo.linux.Epoll;
import io.vireo.linux.ErrnoException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The file descriptors that a reactor watches; on its thread. Waiting allocates nothing. */
final class Watches implements AutoCloseable {
    private static final Logger LOG = System.getLogger(Watches.class.getName());

    /** Descriptors that one wait tells of at most; what is left is told by the next. */
    private static final int READY_MAX = 256;

    private final String reactor;
    private final Epoll epoll;
    private @Nullable EpollBell bell;
    private @Nullable Entry[] entries = new Entry[16];
    private int generation;

    /** Whether the last look found something: then the next one will be worth it. */
    private boolean found;

    /**
     * @param reactor its name, for messages
     */
    Watches(String reactor) throws ErrnoException {
        this.reactor = reactor;
        epoll = Epoll.create(READY_MAX);
    }

    /**
     * Watches a descriptor, level-triggered.
     *
     * @throws UncheckedIOException if the kernel cannot watch it
     */
    FdWatch add(int fd, int events, FdHandler handler) {
        int slot = 0;
        while (slot < entries.length && entries[slot] != null) {
            slot++;
        }
        if (slot == entries.length) {
            entries = Arrays.copyOf(entries, slot * 2);
        }
        var entry = new Entry(fd, slot, ++generation, handler);
        try {
            epoll.add(fd, events, entry.key());
        } catch (ErrnoException e) {
            throw new UncheckedIOException(e);
        }
        entries[slot] = entry;
        return entry;
    }

    /** Has {@link #mayBeReady} say no where it can. */
    void hangBell() {
        bell = new EpollBell(reactor, epoll);
    }

    /** Whether {@link #poll} may find something; usually no system call. */
    boolean mayBeReady() {
        EpollBell hung = bell;
        return found || hung == null || hung.rings();
    }

    /** Looks which descriptors are ready. Returns how many are. */
    int poll() {
        return found(epoll.wait(0));
    }

    /** Waits until one is. Returns how many are. */
    int await() {
        return found(epoll.wait(-1));
    }

    /** Waits until one is, so long at most. Returns how many are. */
    int await(long nanos) {
        return found(epoll.waitNanos(nanos));
    }

    private int found(int ready) {
        found = ready > 0;
        return ready;
    }

    /**
     * One of those that the last wait has told of; null: an earlier handler of this round has
     * closed the watch, and another may have its slot.
     */
    @Nullable Entry ready(int i) {
        long key = epoll.data(i);
        var entry = entries[(int) key];
        return entry != null && entry.key() == key ? entry : null;
    }

    /** What it is ready for, bits of {@code EPOLLIN} and the like. */
    int events(int i) {
        return epoll.events(i);
    }

    @Override
    public void close() {
        if (bell != null) {
            bell.close();
        }
        epoll.close();
    }

    /** One descriptor. */
    final class Entry implements FdWatch {
        final FdHandler handler;
        private final int fd;
        private final int slot;
        private final int number;

        private Entry(int fd, int slot, int number, FdHandler handler) {
            this.fd = fd;
            this.slot = slot;
            this.number = number;
            this.handler = handler;
        }

        private long key() {
            return (long) number << 32 | slot;
        }

        @Override
        public void modify(int events) {
            try {
                epoll.modify(fd, events, key());
            } catch (ErrnoException e) {
                throw new UncheckedIOException(e);
            }
        }

        @Override
        public void close() {
            if (entries[slot] != this) {
                return;
            }
            entries[slot] = null;
            try {
                epoll.remove(fd);
            } catch (ErrnoException e) {
                LOG.log(
                        Level.WARNING,
                        reactor + ": descriptor was closed before its watch: " + e.getMessage());
            }
        }
    }
}
