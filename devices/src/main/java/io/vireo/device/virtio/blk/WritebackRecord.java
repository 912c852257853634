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

    private final DurableState state;
    private final String key;

    /**
     * @param uid of the attachment
     */
    public WritebackRecord(DurableState state, String uid) {
        this.state = state;
        key = "vdiskattachment/" + uid + "/writeback";
    }

    /** Whether it was turned off; may wait for the medium. */
    boolean isOff() {
        return state.get(key).isPresent();
    }

    /**
     * Records it; does not wait.
     *
     * @param done is told on any thread whether that is durable
     */
    void off(boolean off, Consumer<Boolean> done) {
        state.put(key, off ? Optional.of(OFF) : Optional.empty(), done);
    }
}
