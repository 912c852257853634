package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockRequest;
import io.vireo.fabric.storage.queue.DeviceQueue;
import io.vireo.reactor.Reactor;

/** A device that the pool is made of, and what waits for a place in its channel. */
final class Member {
    private final DeviceQueue queue;

    /** Operations that have changed the device. */
    private long changes;

    /** Of these, the first so many are durable. */
    private long flushed;

    /**
     * On the home reactor.
     *
     * @param wake has the member polled: a channel begins what was submitted when it is polled
     */
    Member(BlockDevice device, Reactor home, Runnable wake) {
        queue = new DeviceQueue(device, home, wake);
    }

    BlockDevice device() {
        return queue.device();
    }

    /** Data was written. */
    void changed() {
        changes++;
    }

    long changes() {
        return changes;
    }

    /** Whether there is data that no flush which has ended covered. */
    boolean isUnflushed() {
        return changes > flushed;
    }

    /** A flush that began after so many changes has succeeded. */
    void flushed(long upTo) {
        flushed = Math.max(flushed, upTo);
    }

    void submit(BlockRequest request) {
        queue.submit(request);
    }

    /** Closes the channel; what comes after is cancelled. */
    void close(Runnable whenClosed) {
        queue.close(whenClosed);
    }

    int poll() {
        return queue.poll();
    }

    void disarm() {
        queue.disarm();
    }

    /** Whether nothing can be polled now. */
    boolean arm() {
        return queue.arm();
    }
}
