package io.vireo.device.virtio.scsi;

import io.vireo.memory.NativeMemory;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import io.vireo.virtqueue.ChainBatch;
import io.vireo.virtqueue.Virtqueue;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A queue while it runs: pops chains, has them started, completes them when they are done.
 *
 * <p>The guest's memory may vanish in the middle of a turn, or another guest's may and the {@link
 * InternalError} arrives here. The next turn then goes on where this one was cut off; a second
 * failure at the same place breaks the queue.
 */
abstract class ServedQueue implements Poller {
    private static final String GONE = "the memory of a request is gone";

    final Virtqueue queue;
    private final String name;
    private final ChainBatch batch;
    private final Registration registration;
    private int next;
    private int attempts;
    private int completionAttempts;
    private boolean settled = true;

    /** Whether chains were completed that the driver was not told of. */
    private boolean owesFlush;

    private @Nullable Runnable onDrained;

    ServedQueue(String device, Reactor reactor, Virtqueue queue, int batchSize) {
        this.queue = queue;
        name = device + " queue " + queue.index();
        batch = new ChainBatch(batchSize, queue.size());
        registration = reactor.add(this);
        queue.onKick(registration::wake);
    }

    /** Chains that can be started now. */
    abstract int room();

    /** Reads a chain; may be cut off before it changes anything, and is called again then. */
    abstract void prepare(ChainBatch chains, int index);

    /** Starts what was prepared; may be cut off, and is called again then for the rest. */
    abstract void begin();

    /** Completes chains that are done; may be cut off and is called again then. */
    abstract int complete();

    /** Whether {@link #complete} has something to do. */
    abstract boolean hasCompletions();

    /** Gives up the completion that was cut off twice. */
    abstract void dropCompletion();

    /** Chains that were started and are not completed. */
    abstract int inFlight();

    /** Has the next turn come soon. */
    final void wake() {
        registration.wake();
    }

    /** Stops popping; {@code whenDrained} runs when nothing is in flight. */
    void stop(Runnable whenDrained) {
        onDrained = whenDrained;
        registration.wake();
        if (settled) {
            drainIfDone();
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public int poll() {
        if (!settled) {
            recover();
        }
        settled = false;
        int work = 0;
        // First what has ended: its lines travel while new chains are read.
        if (hasCompletions()) {
            owesFlush = true;
            work = complete();
            completionAttempts = 0;
        }
        if (owesFlush) {
            queue.flush();
            owesFlush = false;
        }
        int room = room();
        if (room > 0 && onDrained == null) {
            batch.clear();
            next = 0;
            work += queue.pop(batch, room);
            if (batch.count > 0) {
                batch.fetchHeaders();
                startBatch();
            }
        }
        settled = true;
        drainIfDone();
        return work;
    }

    private void startBatch() {
        while (next < batch.count) {
            prepare(batch, next);
            next++;
            attempts = 0;
        }
        // What the reads owe comes here, and not while the requests begin, in the middle of which
        // nobody could go on.
        NativeMemory.settle();
        begin();
    }

    private void recover() {
        if (next < batch.count) {
            if (++attempts > 1) {
                next = batch.count;
                queue.fail(GONE);
            }
        }
        startBatch();
        if (hasCompletions() && ++completionAttempts > 1) {
            completionAttempts = 0;
            dropCompletion();
            queue.fail(GONE);
        }
    }

    @Override
    public boolean arm() {
        if (hasCompletions() || !settled) {
            return false;
        }
        return onDrained != null || room() == 0 || queue.arm();
    }

    @Override
    public void disarm() {
        queue.disarm();
    }

    private void drainIfDone() {
        if (onDrained != null && inFlight() == 0) {
            Runnable drained = Objects.requireNonNull(onDrained);
            onDrained = null;
            registration.close();
            drained.run();
        }
    }
}
