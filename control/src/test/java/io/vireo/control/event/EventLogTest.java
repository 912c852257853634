package io.vireo.control.event;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.resource.Reference;
import java.time.Duration;
import java.time.InstantSource;
import org.junit.jupiter.api.Test;

final class EventLogTest {
    private static final Reference LAN = new Reference("Network", "lan");

    private final EventLog log = new EventLog(4, InstantSource.system());

    private void append(int count) {
        for (int i = 0; i < count; i++) {
            log.append(Event.Type.STATUS, LAN, "Reason", "");
        }
    }

    @Test
    void aReaderGoesOnWhereItWas() throws InterruptedException {
        append(2);
        EventLog.Batch first = log.read(0, Duration.ZERO);
        append(1);
        EventLog.Batch second = log.read(first.next(), Duration.ZERO);

        assertThat(first.events()).extracting(Event::sequence).containsExactly(1L, 2L);
        assertThat(second.events()).extracting(Event::sequence).containsExactly(3L);
        assertThat(second.missed()).isFalse();
    }

    @Test
    void aReaderThatIsTooSlowLearnsIt() throws InterruptedException {
        append(6);

        EventLog.Batch batch = log.read(1, Duration.ZERO);

        assertThat(batch.missed()).isTrue();
        assertThat(batch.events()).extracting(Event::sequence).containsExactly(3L, 4L, 5L, 6L);
        assertThat(log.read(2, Duration.ZERO).missed()).isFalse();
    }

    @Test
    void idsTellRunsApart() {
        append(3);
        var other = new EventLog(4, InstantSource.system());

        assertThat(log.sequence(log.id(2))).contains(2L);
        assertThat(log.sequence(other.id(2))).isEmpty();
        assertThat(log.sequence(log.id(9))).isEmpty();
        assertThat(log.sequence("nonsense")).isEmpty();
    }

    @Test
    void closingLetsReadersGo() throws InterruptedException {
        Thread closer = Thread.ofVirtual().start(log::close);

        assertThat(log.read(0, Duration.ofMinutes(5)).events()).isEmpty();
        closer.join();
    }
}
