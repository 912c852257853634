package io.vireo.device.virtio.blk;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.resource.DurableState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** The record of {@code writeback} over a medium that takes its time. */
class WritebackRecordTest {
    private static final Optional<String> OFF = Optional.of("off");
    private static final Optional<String> ON = Optional.empty();

    private final List<Optional<String>> puts = new ArrayList<>();
    private final List<Consumer<Boolean>> pending = new ArrayList<>();
    private final List<Boolean> told = new ArrayList<>();
    private final WritebackRecord record = new WritebackRecord(new Slow(), "1");

    /** Puts end when the test says so. */
    private final class Slow implements DurableState {
        @Override
        public Optional<String> get(String key) {
            return Optional.empty();
        }

        @Override
        public List<String> keys(String prefix) {
            return List.of();
        }

        @Override
        public void put(String key, Optional<String> value, Consumer<Boolean> done) {
            puts.add(value);
            pending.add(done);
        }
    }

    private void end(boolean durable) {
        pending.removeFirst().accept(durable);
    }

    @Test
    void whatItSaysIsNotPutAgain() {
        assertThat(record.isOff()).isFalse();
        record.on();
        assertThat(puts).isEmpty();
        record.off(told::add);
        end(true);
        record.off(told::add);
        assertThat(puts).containsExactly(OFF);
        assertThat(told).containsExactly(true, true);
    }

    @Test
    void offIsNotAcknowledgedBeforeItIsDurable() {
        assertThat(record.isOff()).isFalse();
        record.off(told::add);
        record.off(told::add);
        assertThat(told).isEmpty();
        end(true);
        assertThat(told).containsExactly(true);
        end(false);
        assertThat(told).containsExactly(true, false);
        record.off(told::add);
        assertThat(puts).containsExactly(OFF, OFF, OFF);
    }

    @Test
    void onIsPutBehindAnOffThatIsNotDurableYet() {
        assertThat(record.isOff()).isFalse();
        record.off(told::add);
        record.on();
        assertThat(puts).containsExactly(OFF, ON);
        // It is not what the record says when the other is durable, too.
        end(true);
        record.off(told::add);
        assertThat(puts).containsExactly(OFF, ON, OFF);
        end(true);
        end(true);
        assertThat(told).containsExactly(true, true);
        record.off(told::add);
        assertThat(puts).hasSize(3);
    }

    @Test
    void onIsPutAgainWhereItWasNotDurable() {
        assertThat(record.isOff()).isFalse();
        record.off(told::add);
        end(false);
        record.on();
        end(false);
        record.on();
        end(true);
        record.on();
        assertThat(puts).containsExactly(OFF, ON, ON);
    }
}
