package io.vireo.fabric.storage.queue;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.reactor.Reactor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;

/**
 * A device's channel, and what waits for a place in it. On one reactor, which polls it until it is
 * closed; then it does nothing, for what a channel polls may be unmapped.
 */
public final class DeviceQueue {
    private final BlockDevice device;
    private final BlockChannel channel;
    private final Runnable wake;
    private final ArrayDeque<BlockRequest> waiting = new ArrayDeque<>();
    private final List<Runnable> whenClosed = new ArrayList<>();
    private boolean closing;
    private boolean closed;

    /**
     * Opens a channel.
     *
     * @param wake has it polled: a channel begins what was submitted when it is polled
     */
    public DeviceQueue(BlockDevice device, Reactor home, Runnable wake) {
        this.device = device;
        this.wake = wake;
        channel = device.open(home);
        channel.onReady(wake);
    }

    public BlockDevice device() {
        return device;
    }

    public void submit(BlockRequest request) {
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
    public int load() {
        return channel.inFlight() + waiting.size();
    }

    /** Starts what was submitted and completes what is done; returns how much that was. */
    public int poll() {
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

    /** Whether nothing can be polled now. */
    public boolean arm() {
        return closed || (waiting.isEmpty() || channel.free() == 0) && channel.arm();
    }

    public void disarm() {
        if (!closed) {
            channel.disarm();
        }
    }

    /** Ends what the device was not given yet. */
    public void drop(BlockStatus status) {
        for (int left = waiting.size(); left > 0; left--) {
            waiting.remove().complete(status);
        }
    }

    /**
     * Closes the channel; what waits is cancelled. Whoever asks for that after another one is told
     * too.
     */
    public void close(Runnable then) {
        if (closed) {
            then.run();
            return;
        }
        whenClosed.add(then);
        if (closing) {
            return;
        }
        closing = true;
        drop(BlockStatus.CANCELLED);
        channel.close(() -> {
            closed = true;
            whenClosed.forEach(Runnable::run);
        });
    }
}
