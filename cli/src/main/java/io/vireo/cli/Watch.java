package io.vireo.cli;

import io.vireo.cli.http.EventReader;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Says when to look at resources again: when the daemon has an event, and from time to time, since
 * there is no event of how far a job is.
 */
final class Watch {
    private static final long LOOK_SECONDS = 2;

    /** Why to look; with a failure, or at the end of the stream, there is nothing to look at. */
    private record News(boolean over, @Nullable IOException failure) {}

    private final BlockingQueue<News> news = new LinkedBlockingQueue<>();

    /**
     * Begins to listen.
     *
     * @param events the daemon's stream of events
     */
    Watch(InputStream events) {
        Thread.ofPlatform().daemon(true).name("events").start(() -> listen(events));
    }

    private void listen(InputStream events) {
        var reader = new EventReader(events);
        try {
            while (reader.next().isPresent()) {
                news.add(new News(false, null));
            }
            news.add(new News(true, null));
        } catch (IOException e) {
            news.add(new News(true, e));
        }
    }

    /**
     * Waits for the next time to look.
     *
     * @return false if the daemon has ended the stream
     * @throws IOException if the stream is lost
     */
    boolean again() throws IOException {
        News next;
        try {
            next = news.poll(LOOK_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
        if (next != null && next.failure() != null) {
            throw next.failure();
        }
        return next == null || !next.over();
    }
}
