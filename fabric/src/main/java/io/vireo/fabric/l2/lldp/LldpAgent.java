package io.vireo.fabric.l2.lldp;

import io.vireo.resource.spec.LldpSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * The protocol on one link (IEEE 802.1AB-2016, clause 9): when to send, and who the neighbors are.
 * Times are of {@link System#nanoTime} or alike. One thread, but for {@link #neighbors} and {@link
 * #statistics}.
 */
final class LldpAgent {
    /** Neighbors that are kept; a link has one, a hub or a bridge that forwards LLDP has more. */
    static final int NEIGHBORS_MAX = 16;

    /** Frames that are looked at in a second: more are an attack, or a loop. */
    static final int FRAMES_PER_SECOND = 64;

    private static final long SECOND = TimeUnit.SECONDS.toNanos(1);

    // Recommended values, 9.2.5
    private static final int MESSAGE_TX_HOLD = 4;
    private static final long MESSAGE_FAST_TX = SECOND;
    private static final int TX_FAST_INIT = 4;
    private static final int TX_CREDIT_MAX = 5;
    private static final long REINIT_DELAY = 2 * SECOND;

    private static final int TTL_MAX = 65_535;

    /** Sends frames. */
    @FunctionalInterface
    interface Sender {
        /** Sends a frame; returns whether the port took it. */
        boolean send(byte[] frame);
    }

    private record Entry(Neighbor neighbor, long expires) {}

    private final Sender sender;
    private final LldpStatistics statistics = new LldpStatistics();
    private final List<Entry> entries = new ArrayList<>();
    private volatile List<Neighbor> neighbors = List.of();
    private LocalSystem local;
    private LldpSpec spec;

    // The transmit state machines, 9.2.8 and 9.2.9.
    private boolean transmitting;
    private long transmitAt;
    private boolean due;
    private int fast;
    private int credit;
    private long creditAt;
    private boolean resting;
    private long restUntil;

    private long windowEnd;
    private int inWindow = FRAMES_PER_SECOND;
    private boolean counting;

    LldpAgent(LldpSpec spec, LocalSystem local, Sender sender) {
        this.spec = spec;
        this.local = local.with(spec.managementAddress());
        this.sender = sender;
    }

    /** Who was heard of, in the order of their appearance; any thread. */
    List<Neighbor> neighbors() {
        return neighbors;
    }

    LldpStatistics statistics() {
        return statistics;
    }

    /** Goes on in another way. */
    void change(LldpSpec newSpec, long now) {
        if (!newSpec.mode().transmits()) {
            shutdown(now);
        }
        if (!newSpec.mode().receives()) {
            forget();
        }
        spec = newSpec;
        local = local.with(newSpec.managementAddress());
        // Something has changed locally: it is told at once.
        transmitAt = now;
    }

    /**
     * Does what time has come for.
     *
     * @param up whether the link is up
     * @return nanoseconds after which it has to be called again; {@link Long#MAX_VALUE}: no need
     */
    long evaluate(boolean up, long now) {
        age(now);
        long wait = transmit(up, now);
        for (var entry : entries) {
            wait = Math.min(wait, entry.expires() - now);
        }
        return Math.max(0, wait);
    }

    private long transmit(boolean up, long now) {
        if (!up || !spec.mode().transmits()) {
            transmitting = false;
            return Long.MAX_VALUE;
        }
        if (resting && now - restUntil < 0) {
            return restUntil - now;
        }
        resting = false;
        if (!transmitting) {
            begin(now);
        }
        refill(now);
        if (now - transmitAt >= 0) {
            expire(now);
        }
        if (due && credit > 0) {
            due = false;
            credit--;
            send(LldpduWriter.announcement(local, ttl()));
        }
        return (due ? creditAt : transmitAt) - now;
    }

    private void begin(long now) {
        transmitting = true;
        transmitAt = now;
        due = false;
        fast = 0;
        credit = TX_CREDIT_MAX;
        creditAt = now + SECOND;
    }

    private void refill(long now) {
        if (now - creditAt >= 0) {
            long more = (now - creditAt) / SECOND + 1;
            credit = (int) Math.min(TX_CREDIT_MAX, credit + more);
            creditAt += more * SECOND;
        }
    }

    private void expire(long now) {
        if (fast > 0) {
            fast--;
        }
        due = true;
        transmitAt =
                now
                        + (fast == 0
                                ? TimeUnit.SECONDS.toNanos(spec.intervalSeconds())
                                : MESSAGE_FAST_TX);
    }

    private int ttl() {
        return Math.min(TTL_MAX, spec.intervalSeconds() * MESSAGE_TX_HOLD + 1);
    }

    private void send(byte[] frame) {
        if (sender.send(frame)) {
            statistics.framesOut.incrementAndGet();
        }
    }

    /** Takes back what neighbors were told; they are told nothing for a while after it. */
    void shutdown(long now) {
        if (transmitting) {
            send(LldpduWriter.shutdown(local));
            transmitting = false;
            resting = true;
            restUntil = now + REINIT_DELAY;
        }
    }

    /**
     * Takes a frame of LLDP.
     *
     * @return whether what is known of neighbors has changed
     */
    boolean received(byte[] frame, int length, long now) {
        statistics.framesIn.incrementAndGet();
        if (!mayLook(now)) {
            statistics.framesDiscarded.incrementAndGet();
            return false;
        }
        var read = LldpduReader.read(frame, length, statistics);
        return read.isPresent() && update(read.get(), now);
    }

    private boolean mayLook(long now) {
        if (!counting || now - windowEnd >= 0) {
            counting = true;
            windowEnd = now + SECOND;
            inWindow = 0;
        }
        return inWindow++ < FRAMES_PER_SECOND;
    }

    private boolean update(Neighbor neighbor, long now) {
        int at = indexOf(neighbor.id());
        if (neighbor.ttl() == 0) {
            if (at >= 0) {
                entries.remove(at);
                publish();
            }
            return at >= 0;
        }
        var entry = new Entry(neighbor, now + TimeUnit.SECONDS.toNanos(neighbor.ttl()));
        if (at >= 0) {
            boolean changed = !entries.set(at, entry).neighbor().equals(neighbor);
            if (changed) {
                publish();
            }
            return changed;
        }
        if (entries.size() == NEIGHBORS_MAX) {
            statistics.neighborsRefused.incrementAndGet();
            return false;
        }
        entries.add(entry);
        publish();
        welcome(now);
        return true;
    }

    /** Who has just come is told of us soon, and a few times. */
    private void welcome(long now) {
        if (fast == 0) {
            fast = TX_FAST_INIT;
        }
        transmitAt = now;
    }

    private int indexOf(String id) {
        for (int i = 0; i < entries.size(); i++) {
            if (entries.get(i).neighbor().id().equals(id)) {
                return i;
            }
        }
        return -1;
    }

    private void age(long now) {
        int before = entries.size();
        entries.removeIf(entry -> now - entry.expires() >= 0);
        if (entries.size() < before) {
            statistics.ageouts.addAndGet(before - entries.size());
            publish();
        }
    }

    /** Forgets all neighbors. */
    void forget() {
        entries.clear();
        publish();
    }

    private void publish() {
        neighbors = entries.stream().map(Entry::neighbor).toList();
    }
}
