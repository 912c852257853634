package io.vireo.adapter.tap;

import io.vireo.linux.Epoll;
import io.vireo.linux.Errno;
import io.vireo.linux.FileCalls;
import io.vireo.linux.Tap;
import io.vireo.reactor.FdWatch;
import io.vireo.reactor.Reactor;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A queue of a TAP interface: one descriptor, watched edge-triggered, so that no call is made while
 * there is nothing to read. On the reactor of the port but for the counters.
 */
final class TapQueue {
    private final Tap tap;
    private final AtomicLong frames = new AtomicLong();
    private @Nullable FdWatch watch;
    private boolean readable;

    /** Frames that were read last. */
    private int last;

    TapQueue(Tap tap) {
        this.tap = tap;
    }

    /** Has {@code ready} run when there may be something to read that was not there before. */
    void attach(Reactor reactor, Runnable ready) {
        readable = true;
        watch =
                reactor.watch(
                        fd(),
                        Epoll.EPOLLIN | Epoll.EPOLLET,
                        _ -> {
                            readable = true;
                            ready.run();
                        });
    }

    void detach() {
        var watching = watch;
        watch = null;
        if (watching != null) {
            watching.close();
        }
    }

    /** Whether there may be something to read. */
    boolean readable() {
        return readable;
    }

    /** Frames that there may be to read now: twice as many as the last time, 1 at least. */
    int expected() {
        return Math.max(1, 2 * last);
    }

    /**
     * Reads a frame, with its header.
     *
     * @return bytes read, or an error number, negative
     */
    long read(long address, long size) {
        return didRead(FileCalls.read(fd(), address, size));
    }

    /** A call read so many bytes, or failed with an error number, negative; returns it. */
    long didRead(long count) {
        if (count < 0) {
            // A frame that comes after that is told by the watch.
            readable = count == -Errno.EINTR;
        }
        return count;
    }

    /**
     * Writes a frame, with its header.
     *
     * @return bytes written, or an error number, negative
     */
    long write(long vectors, int entries) {
        return FileCalls.writev(fd(), vectors, entries);
    }

    /** So many frames were read. */
    void count(int read) {
        last = read;
        frames.lazySet(frames.get() + read);
    }

    /** Frames read; any thread. */
    long frames() {
        return frames.get();
    }

    /** Its descriptor. */
    int fd() {
        return tap.fd().number();
    }

    /** What it is the queue of. */
    Tap tap() {
        return tap;
    }

    void close() {
        tap.close();
    }
}
