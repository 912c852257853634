package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.Reactor;
import java.util.ArrayDeque;

/** A device that the pool is made of, and what waits for a place in its channel. */
final class Member {
    private final BlockDevice device;
    private final BlockChannel channel;
    private final Runnable wake;
    private final ArrayDeque<BlockRequest> waiting = new ArrayDeque<>();

    /** Operations that have changed the device. */
    private long changes;

    /** Of these, the first so many are durable. */
    private long flushed;

    private boolean closing;
    private boolean closed;

    /**
     * On the home reactor.
     *
     * @param wake has the member polled: a channel begins what was submitted when it is polled
     */
    Member(BlockDevice device, Reactor home, Runnable wake) {
        this.device = device;
        this.wake = wake;
        channel = device.open(home);
    }

    BlockDevice device() {
        return device;
    }

    BlockChannel channel() {
        return channel;
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
        if (closing) {
            request.complete(BlockStatus.CANCELLED);
            return;
        }
        if (waiting.isEmpty() && channel.free() > 0) {
            channel.submit(request);
        } else {
            waiting.add(request);
        }
        wake.run();
    }

    /** Closes the channel; what comes after is cancelled. */
    void close(Runnable whenClosed) {
        closing = true;
        for (BlockRequest left = waiting.poll(); left != null; left = waiting.poll()) {
            left.complete(BlockStatus.CANCELLED);
        }
        channel.close(() -> {
            // What it polls may be unmapped.
            closed = true;
            whenClosed.run();
        });
    }

    int poll() {
        if (closed) {
            return 0;
        }
        int work = 0;
        while (!waiting.isEmpty() && channel.free() > 0) {
            channel.submit(waiting.remove());
            work++;
        }
        return work + channel.poll();
    }

    void disarm() {
        if (!closed) {
            channel.disarm();
        }
    }

    /** Whether nothing can be polled now. */
    boolean arm() {
        return closed || (waiting.isEmpty() || channel.free() == 0) && channel.arm();
    }
}
