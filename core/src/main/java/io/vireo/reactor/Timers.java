package io.vireo.reactor;

import java.util.Comparator;
import java.util.PriorityQueue;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** The timers of a reactor; on its thread. Starting one that exists allocates nothing. */
final class Timers {
    private final LongSupplier clock;
    private final PriorityQueue<Entry> started =
            new PriorityQueue<>(Comparator.comparingLong(t -> t.deadline));

    /**
     * @param clock in nanoseconds; what delays are counted from
     */
    Timers(LongSupplier clock) {
        this.clock = clock;
    }

    /** A timer that is not started. */
    Timer of(Runnable task) {
        return new Entry(task);
    }

    /** Whether none is started. */
    boolean isEmpty() {
        return started.isEmpty();
    }

    /** When the next of those started is due, by the clock. */
    long next() {
        return started.element().deadline;
    }

    /** The task of the next timer that is due, which is not started any more; null: none is. */
    @Nullable Runnable due(long now) {
        var first = started.peek();
        if (first == null || first.deadline - now > 0) {
            return null;
        }
        started.remove();
        first.started = false;
        return first.task;
    }

    private final class Entry implements Timer {
        private final Runnable task;
        private long deadline;
        private boolean started;

        Entry(Runnable task) {
            this.task = task;
        }

        @Override
        public void start(long delayNanos) {
            cancel();
            deadline = clock.getAsLong() + delayNanos;
            started = true;
            Timers.this.started.add(this);
        }

        @Override
        public void cancel() {
            if (started) {
                started = false;
                Timers.this.started.remove(this);
            }
        }
    }
}
