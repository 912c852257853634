package io.vireo.device.virtio.net;

import io.vireo.net.FrameBatch;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The queues of a card that run, in pairs, and how batches go through those that are in use:
 * transmitqs in turn, receiveqs by flow or as the driver wants it. On the card's reactor.
 */
final class QueuePairs {
    private final @Nullable ReceiveQueue[] receiveQueues;
    private final @Nullable TransmitQueue[] transmitQueues;
    private final NetStatistics statistics;

    // Those in use, without gaps.
    private ReceiveQueue[] receiving = {};
    private TransmitQueue[] transmitting = {};

    /** Position in {@link #transmitting} of the queue that the batch under way came from. */
    private int current;

    /** Position in {@link #receiving} of the queue of each pair; 0 for those that do not run. */
    private final int[] positions;

    private final FlowSpreader spreader = new FlowSpreader();

    QueuePairs(int pairs, NetStatistics statistics) {
        this.statistics = statistics;
        positions = new int[pairs];
        receiveQueues = new ReceiveQueue[pairs];
        transmitQueues = new TransmitQueue[pairs];
    }

    // --- which run; select is next

    void start(int pair, ReceiveQueue queue) {
        receiveQueues[pair] = queue;
    }

    void start(int pair, TransmitQueue queue) {
        transmitQueues[pair] = queue;
    }

    /** Gives back what is in flight. Nothing, if it does not run. */
    void stopReceiving(int pair) {
        var queue = receiveQueues[pair];
        receiveQueues[pair] = null;
        if (queue != null) {
            queue.stop();
        }
    }

    /** Completes what is in flight. Nothing, if it does not run. */
    void stopTransmitting(int pair) {
        var queue = transmitQueues[pair];
        transmitQueues[pair] = null;
        if (queue != null) {
            queue.disabled = false;
            queue.stop();
        }
    }

    /** The transmitq of a pair, if it runs. */
    @Nullable TransmitQueue transmitQueue(int pair) {
        return transmitQueues[pair];
    }

    /** All transmitqs that run. */
    List<TransmitQueue> transmitQueues() {
        return Stream.of(transmitQueues).filter(Objects::nonNull).toList();
    }

    /** How a running queue tells of what it used; empty if it does not run. */
    Optional<Coalescing> coalescing(int index) {
        int pair = index / 2;
        if (pair >= positions.length) {
            return Optional.empty();
        }
        if (index % 2 == 0) {
            var queue = receiveQueues[pair];
            return queue == null ? Optional.empty() : Optional.ofNullable(queue.coalescing);
        }
        var queue = transmitQueues[pair];
        return queue == null ? Optional.empty() : Optional.ofNullable(queue.coalescing);
    }

    /**
     * Puts those in use that run and are to be used.
     *
     * @param active pairs whose receiveqs are used: the first ones
     * @param linked whether the card's cable is plugged in
     */
    void select(int active, boolean linked) {
        receiving =
                Arrays.stream(receiveQueues)
                        .limit(active)
                        .filter(Objects::nonNull)
                        .toArray(ReceiveQueue[]::new);
        transmitting =
                Arrays.stream(transmitQueues)
                        .filter(queue -> queue != null && !queue.idle(linked))
                        .toArray(TransmitQueue[]::new);
        for (int pair = 0; pair < positions.length; pair++) {
            int at = Arrays.asList(receiving).indexOf(receiveQueues[pair]);
            positions[pair] = Math.max(0, at);
        }
        current = 0;
    }

    /** Has the receiveqs in use follow what the driver set. */
    void follow(CardSettings settings) {
        for (var queue : receiving) {
            queue.follow(settings.effectiveFeatures(), settings.reported());
        }
    }

    /** Whether any receiveq is in use. */
    boolean canReceive() {
        return receiving.length > 0;
    }

    // --- batches; see NetPort

    int receive(FrameBatch batch) {
        var queues = transmitting;
        for (int i = 0; i < queues.length; i++) {
            current = current + 1 < queues.length ? current + 1 : 0;
            int frames = queues[current].receive(batch);
            if (frames > 0) {
                return frames;
            }
        }
        return 0;
    }

    void release() {
        if (current < transmitting.length) {
            transmitting[current].release();
        }
    }

    int transmit(FrameBatch batch, int[] index, int count) {
        var queues = receiving;
        if (queues.length == 1) {
            return queues[0].transmit(batch, index, count);
        }
        if (queues.length == 0) {
            return 0;
        }
        spreader.spread(batch, index, count, queues.length);
        return transmitSpread(batch);
    }

    /** As the driver wants it: what it filters out counts as sent, as on a wire. */
    int transmit(CardSettings set, FrameBatch batch, int[] index, int count) {
        var queues = receiving;
        if (queues.length == 0) {
            return 0;
        }
        var filter = set.filter();
        int taken = filter.select(batch, index, count);
        statistics.add(NetStatistics.RX_FILTERED, count - taken);
        var steering = set.steering();
        if (steering != null) {
            spreader.steer(batch, filter.index(), taken, steering, positions);
        } else {
            spreader.spread(batch, filter.index(), taken, queues.length);
        }
        return count - taken + transmitSpread(batch);
    }

    private int transmitSpread(FrameBatch batch) {
        int sent = 0;
        for (int q = 0; q < receiving.length; q++) {
            int share = spreader.select(q);
            if (share > 0) {
                sent += receiving[q].transmit(batch, spreader.index(), share);
            }
        }
        return sent;
    }

    void publish() {
        for (var queue : receiving) {
            queue.publish();
        }
    }

    void flush() {
        for (var queue : receiving) {
            queue.flush();
        }
    }

    boolean arm() {
        var queues = transmitting;
        for (int i = 0; i < queues.length; i++) {
            if (!queues[i].queue.arm()) {
                for (int j = 0; j < i; j++) {
                    queues[j].queue.disarm();
                }
                return false;
            }
        }
        return true;
    }

    void disarm() {
        for (var queue : transmitting) {
            queue.queue.disarm();
        }
    }
}
