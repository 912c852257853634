package io.vireo.device.scsi;

import java.util.concurrent.atomic.LongAdder;

/** What the rates of a target did to the requests of its commands. Any thread. */
public final class RateWaits {
    private final LongAdder waits = new LongAdder();
    private final LongAdder waitedNanos = new LongAdder();
    private final LongAdder waiting = new LongAdder();

    RateWaits() {}

    void begins() {
        waits.increment();
        waiting.increment();
    }

    void ends(long nanos) {
        waitedNanos.add(nanos);
        waiting.decrement();
    }

    /** Requests that had to wait. */
    public long waits() {
        return waits.sum();
    }

    /** How long those waited that do not wait any more, in sum. */
    public long waitedNanos() {
        return waitedNanos.sum();
    }

    /** Requests that wait now. */
    public long waiting() {
        return waiting.sum();
    }
}
