package io.vireo.device.virtio.blk;

import io.vireo.resource.DurableState;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * What a front end last made of {@code writeback} (VIRTIO 1.3, 5.2.4), for as long as the disk is
 * attached: front ends write it once and keep to it, whatever happens to the daemon and whatever
 * the driver does, and do not say it again when they come back.
 */
public final class WritebackRecord {
    private static final String OFF = "off";

    /** What the record says. */
    private enum Said {
        ON,
        OFF,
        /** What was put last is not durable, or not yet. */
        UNKNOWN
    }

    private final DurableState state;
    private final String key;

    // Guarded by this.
    private Said said = Said.UNKNOWN;
    private long puts;

    /**
     * @param uid of the attachment
     */
    public WritebackRecord(DurableState state, String uid) {
        this.state = state;
        key = "vdiskattachment/" + uid + "/writeback";
    }

    /** Whether it was turned off; may wait for the medium. */
    synchronized boolean isOff() {
        boolean off = state.get(key).isPresent();
        said = off ? Said.OFF : Said.ON;
        return off;
    }

    /** Records that it is on, unless it says so; does not wait. */
    void on() {
        put(Said.ON, _ -> {});
    }

    /**
     * Records that it is off, unless it says so; does not wait.
     *
     * @param done is told on any thread whether that is durable
     */
    void off(Consumer<Boolean> done) {
        put(Said.OFF, done);
    }

    private synchronized void put(Said what, Consumer<Boolean> done) {
        if (said == what) {
            done.accept(true);
            return;
        }
        said = Said.UNKNOWN;
        long number = ++puts;
        state.put(
                key,
                what == Said.OFF ? Optional.of(OFF) : Optional.empty(),
                durable -> {
                    if (durable) {
                        isDurable(number, what);
                    }
                    done.accept(durable);
                });
    }

    private synchronized void isDurable(long number, Said what) {
        if (number == puts) {
            said = what;
        }
    }
}
