package io.vireo.linux;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Closes what came from one peer, on a thread of its own that there is while it has something to
 * do. What is behind a descriptor is the peer's choice, and to close the last one takes as long as
 * the peer likes: a FUSE file waits for the process that serves it, a socket for what it is to
 * send, memory for all of its pages to be freed; a Unix socket closes what is queued in it. Who
 * makes its own wait keeps back nobody else.
 */
public final class Closer {
    private static final long IDLE_MILLIS = 100;

    private final ThreadPoolExecutor thread;

    /**
     * Has nothing to do yet.
     *
     * @param name of the thread
     */
    public Closer(String name) {
        thread =
                new ThreadPoolExecutor(
                        1,
                        1,
                        IDLE_MILLIS,
                        TimeUnit.MILLISECONDS,
                        new LinkedBlockingQueue<>(),
                        Thread.ofPlatform().daemon(true).name(name).factory());
        thread.allowCoreThreadTimeOut(true);
    }

    /** Closes a descriptor: at once if it surely does not wait, else after what is to do. */
    public void close(int number) {
        if (Eventfd.isEventfd(number)) {
            Fd.closeNow(number);
        } else {
            run(() -> Fd.closeNow(number));
        }
    }

    /** Does something else that may wait for the peer, after what is to do. */
    public void run(Runnable task) {
        thread.execute(task);
    }

    /** Returns how much is to do and has not begun. */
    public int waiting() {
        return thread.getQueue().size();
    }
}
