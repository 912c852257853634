package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.fabric.storage.queue.DeviceQueue;
import io.vireo.reactor.Reactor;
import java.util.ArrayDeque;

/** A device that the pool is made of, and what waits for a place in its channel. */
final class Member {
    private final DeviceQueue queue;
    private final Fence fence;

    /** Changes and flushes that wait until the fence is open, or fail. */
    private final ArrayDeque<BlockRequest> fenced = new ArrayDeque<>();

    /** Operations that have changed the device. */
    private long changes;

    /** Of these, the first so many are durable. */
    private long flushed;

    /**
     * On the home reactor.
     *
     * @param wake has the member polled: a channel begins what was submitted when it is polled
     * @param fence that all but reads have to pass
     */
    Member(BlockDevice device, Reactor home, Runnable wake, Fence fence) {
        queue = new DeviceQueue(device, home, wake);
        this.fence = fence;
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
        boolean passes =
                request.operation() == BlockOperation.READ || fenced.isEmpty() && !fence.isShut();
        if (passes) {
            queue.submit(request);
        } else {
            fenced.add(request);
        }
    }

    /** Closes the channel; what comes after is cancelled. */
    void close(Runnable whenClosed) {
        for (int left = fenced.size(); left > 0; left--) {
            fenced.remove().complete(BlockStatus.CANCELLED);
        }
        queue.close(whenClosed);
    }

    int poll() {
        return pollFenced() + queue.poll();
    }

    /** Whether something waits that can go on, or fail. */
    private boolean canEmptyFenced() {
        return !fenced.isEmpty() && (fence.isShutForGood() || !fence.isShut());
    }

    private int pollFenced() {
        if (!canEmptyFenced()) {
            return 0;
        }
        int work = fenced.size();
        for (int left = work; left > 0; left--) {
            BlockRequest request = fenced.remove();
            if (fence.isShutForGood()) {
                request.complete(BlockStatus.IO_ERROR);
            } else {
                queue.submit(request);
            }
        }
        return work;
    }

    void disarm() {
        queue.disarm();
    }

    /** Whether nothing can be polled now. */
    boolean arm() {
        return !canEmptyFenced() && queue.arm();
    }
}
