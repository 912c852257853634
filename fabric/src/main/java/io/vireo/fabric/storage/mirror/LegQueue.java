package io.vireo.fabric.storage.mirror;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.Reactor;
import java.util.ArrayDeque;

/** A leg's channel, and what waits for a place in it. */
final class LegQueue {
    private final BlockDevice device;
    private final BlockChannel channel;
    private final Runnable wake;
    private final ArrayDeque<BlockRequest> waiting = new ArrayDeque<>();
    private boolean closing;
    private boolean closed;

    LegQueue(BlockDevice device, Reactor home, Runnable wake) {
        this.device = device;
        this.wake = wake;
        channel = device.open(home);
        channel.onReady(wake);
    }

    BlockDevice device() {
        return device;
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

    /** Requests that have not ended. */
    int load() {
        return channel.inFlight() + waiting.size();
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

    boolean arm() {
        return closed || (waiting.isEmpty() || channel.free() == 0) && channel.arm();
    }

    void disarm() {
        if (!closed) {
            channel.disarm();
        }
    }

    /** Closes the channel; what waits is cancelled. */
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
}
