package io.vireo.api;

import io.vireo.control.event.Event;
import io.vireo.control.event.EventLog;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.function.Predicate;

/**
 * Events as server-sent events (WHATWG HTML section 9.2). A client that comes back with {@code
 * Last-Event-ID} goes on where it was; if events between are gone, or the daemon was restarted, it
 * first gets one of the type {@code RESET} and should read the state anew.
 *
 * @param reset whether to begin with {@code RESET}
 * @param follow whether to go on after the events that are there
 */
record EventStream(EventLog log, long after, boolean reset, boolean follow, Predicate<Event> filter)
        implements Reply.Body {
    private static final Duration KEEP_ALIVE = Duration.ofSeconds(15);

    @Override
    public void writeTo(OutputStream out) throws IOException, InterruptedException {
        long place = after;
        send(out, ": connected\nretry: 1000\n\n");
        if (reset) {
            send(out, resetMessage(place));
        }
        while (true) {
            EventLog.Batch batch = log.read(place, follow ? KEEP_ALIVE : Duration.ZERO);
            if (batch.missed()) {
                send(out, resetMessage(place));
            }
            StringBuilder text = new StringBuilder();
            for (Event event : batch.events()) {
                if (filter.test(event)) {
                    text.append("id: ").append(log.id(event.sequence()));
                    text.append("\nevent: ").append(event.type());
                    text.append("\ndata: ").append(Representation.event(log, event)).append("\n\n");
                }
            }
            send(out, text.isEmpty() ? ":\n\n" : text.toString());
            place = batch.next();
            if (!follow || log.closed() && batch.events().isEmpty()) {
                return;
            }
        }
    }

    private String resetMessage(long place) {
        return "id: " + log.id(place) + "\nevent: RESET\ndata: {}\n\n";
    }

    private static void send(OutputStream out, String text) throws IOException {
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }
}
