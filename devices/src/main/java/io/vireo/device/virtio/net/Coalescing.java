package io.vireo.device.virtio.net;

import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import io.vireo.virtqueue.Virtqueue;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Notification coalescing of one queue (VIRTIO 1.3, 5.1.6.5.9): used buffers are published, and the
 * driver notified, when there are so many or so long after the first. On the card's reactor.
 */
final class Coalescing {
    /**
     * How a driver wants it.
     *
     * @param packets that make a notification due, as an unsigned number
     * @param micros after the first packet that make it due, as an unsigned number
     */
    record Parameters(int packets, int micros) {
        /** As after a reset: every packet is told of at once. */
        static final Parameters OFF = new Parameters(0, 0);

        boolean off() {
            return micros == 0 || Integer.compareUnsigned(packets, 1) <= 0;
        }
    }

    private final Reactor reactor;
    private final Virtqueue queue;
    private Parameters parameters = Parameters.OFF;
    private boolean active;
    private int waiting;
    private @Nullable Timer timer;

    Coalescing(Reactor reactor, Virtqueue queue) {
        this.reactor = reactor;
        this.queue = queue;
    }

    Parameters parameters() {
        return parameters;
    }

    void set(Parameters to) {
        parameters = to;
        active = !to.off();
        publish();
    }

    /** What was pushed is to be published, now or when it is due. */
    void flush(int packets) {
        if (!active) {
            queue.flush();
        } else {
            defer(packets);
        }
    }

    private void defer(int packets) {
        waiting += packets;
        // At half of the queue in any case: a driver that waits for buffers sends no more packets.
        int half = Math.max(1, queue.size() / 2);
        int due = parameters.packets < 0 ? half : Math.min(parameters.packets, half);
        if (waiting >= due) {
            publish();
        } else if (waiting > 0 && timer == null) {
            long nanos = TimeUnit.MICROSECONDS.toNanos(Integer.toUnsignedLong(parameters.micros));
            timer = reactor.schedule(nanos, this::publish);
        }
    }

    /** Publishes at once. */
    void publish() {
        waiting = 0;
        var pending = timer;
        timer = null;
        if (pending != null) {
            pending.cancel();
        }
        queue.flush();
    }
}
