package io.vireo.control.event;

import io.vireo.resource.Reference;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The last events, in a ring. Readers remember their place; one that falls behind by more than the
 * ring holds learns that it has missed some and reads the state anew. An event's id, {@code
 * <run>-<sequence>}, tells a restart of the daemon apart.
 */
public final class EventLog {
    private final @Nullable Event[] ring;
    private final String run = UUID.randomUUID().toString().substring(0, 8);
    private final InstantSource clock;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition appended = lock.newCondition();
    private long last;
    private boolean closed;

    /**
     * @param capacity events kept
     */
    public EventLog(int capacity, InstantSource clock) {
        this.ring = new Event[capacity];
        this.clock = clock;
    }

    /**
     * What a reader gets.
     *
     * @param missed whether events between its place and the first of these are gone
     * @param next the place to read on from
     */
    public record Batch(boolean missed, List<Event> events, long next) {}

    /** Adds an event and wakes readers. */
    public void append(Event.Type type, Reference subject, String reason, String message) {
        lock.lock();
        try {
            last++;
            ring[slot(last)] = new Event(last, clock.instant(), type, subject, reason, message);
            appended.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private int slot(long sequence) {
        return (int) (sequence % ring.length);
    }

    /** The sequence of the latest event, 0 if there was none. */
    public long last() {
        lock.lock();
        try {
            return last;
        } finally {
            lock.unlock();
        }
    }

    /** The sequence of the oldest event that is kept, 1 if there was none yet. */
    public long oldest() {
        lock.lock();
        try {
            return Math.max(1, last - ring.length + 1);
        } finally {
            lock.unlock();
        }
    }

    /**
     * Events after a place; waits for one if there is none. The list is empty after the time-out or
     * a close.
     */
    public Batch read(long after, Duration timeout) throws InterruptedException {
        lock.lock();
        try {
            long nanos = timeout.toNanos();
            while (last <= after && !closed && nanos > 0) {
                nanos = appended.awaitNanos(nanos);
            }
            long oldest = oldest();
            boolean missed = after + 1 < oldest;
            List<Event> events = new ArrayList<>();
            for (long sequence = Math.max(after + 1, oldest); sequence <= last; sequence++) {
                Event event = ring[slot(sequence)];
                if (event != null) {
                    events.add(event);
                }
            }
            return new Batch(missed, events, Math.max(after, last));
        } finally {
            lock.unlock();
        }
    }

    /** The id under which clients know a place. */
    public String id(long sequence) {
        return run + "-" + sequence;
    }

    /** The place of an id; empty if it is from another run of the daemon or no id at all. */
    public Optional<Long> sequence(String id) {
        if (!id.startsWith(run + "-")) {
            return Optional.empty();
        }
        try {
            long sequence = Long.parseLong(id.substring(run.length() + 1));
            return sequence >= 0 && sequence <= last() ? Optional.of(sequence) : Optional.empty();
        } catch (NumberFormatException _) {
            return Optional.empty();
        }
    }

    /** Whether {@link #close} was called: nothing will be added. */
    public boolean closed() {
        lock.lock();
        try {
            return closed;
        } finally {
            lock.unlock();
        }
    }

    /** Lets all waiting readers go. */
    public void close() {
        lock.lock();
        try {
            closed = true;
            appended.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
