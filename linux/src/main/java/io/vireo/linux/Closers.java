package io.vireo.linux;

import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Threads that close descriptors which may not close at once: the last one of a FUSE file waits for
 * the process that serves the file, that of a socket for what is to be sent. They are few: whoever
 * has them wait for ever keeps back only what else is of that kind, which no front end sends that
 * means well.
 */
final class Closers {
    private static final int THREADS = 4;
    private static final long IDLE_SECONDS = 10;
    private static final ThreadPoolExecutor POOL =
            new ThreadPoolExecutor(
                    THREADS,
                    THREADS,
                    IDLE_SECONDS,
                    TimeUnit.SECONDS,
                    new LinkedBlockingQueue<>(),
                    Thread.ofPlatform().daemon(true).name("vireo-closer-", 0).factory());

    static {
        POOL.allowCoreThreadTimeOut(true);
    }

    private Closers() {}

    /** Has a descriptor be closed, soon if nobody is in the way. */
    static void close(int number) {
        POOL.execute(() -> Fd.closeNow(number));
    }
}
