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
 * A queue while it runs: pops chains, has them started, completes them when they are done. Chains
 * that end in a turn of the reactor are completed at its end, whichever poller carried them out:
 * the driver is told of several at once, and waits for no turn more.
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
    private final Reactor reactor;
    private final Registration registration;
    private final Runnable endOfTurn = this::endTurn;
    private int next;

    /** What was recovered and not popped yet before the batch was. */
    private int recoveredBefore;

    private int attempts;
    private int completionAttempts;
    private boolean settled = true;

    /** Whether all that was prepared was also there. */
    private boolean read = true;

    /** Whether chains were completed that the driver was not told of. */
    private boolean owesFlush;

    /** Whether {@link #endTurn} will run. */
    private boolean ending;

    /** Chains that were completed since the last turn. */
    private int work;

    private @Nullable Runnable onDrained;

    ServedQueue(String device, Reactor reactor, Virtqueue queue, int batchSize) {
        this.queue = queue;
        name = device + " queue " + queue.index();
        batch = new ChainBatch(batchSize, queue.size());
        this.reactor = reactor;
        registration = reactor.add(this);
        queue.onKick(registration::wake);
    }

    /** Chains that can be started now. */
    abstract int room();

    /** Reads a chain; may be cut off before it changes anything, and is called again then. */
    abstract void prepare(ChainBatch chains, int index);

    /**
     * Gives up what was prepared and has not begun, because the memory that it was read from was
     * gone; returns how many of the last chains are to be prepared anew: none where each is dealt
     * with as it is read.
     */
    int forget() {
        return 0;
    }

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

    /** Whether a chain of the batch was in flight when the last process died: those come first. */
    final boolean isRecovered(int index) {
        return index < recoveredBefore - queue.recoveredLeft();
    }

    /** Has the next turn come soon. */
    final void wake() {
        registration.wake();
    }

    /** Has the chains that are done be completed, at the end of this turn. */
    final void ended() {
        if (!ending) {
            ending = true;
            reactor.atEndOfTurn(endOfTurn);
            registration.wake();
        }
    }

    /** Whether it pops no more. */
    final boolean isStopping() {
        return onDrained != null;
    }

    /**
     * Stops popping, but what the queue owes; {@code whenDrained} runs when nothing is in flight.
     */
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
        // What was cut off.
        completeEnded();
        int done = work;
        work = 0;
        int wanted = wanted();
        if (wanted > 0) {
            batch.clear();
            next = 0;
            recoveredBefore = queue.recoveredLeft();
            done += queue.pop(batch, wanted);
            if (batch.count > 0) {
                batch.fetchHeaders();
                startBatch();
            }
        }
        if (hasCompletions()) {
            ended();
        }
        settled = true;
        drainIfDone();
        return done;
    }

    /** Chains that are to be popped now. */
    private int wanted() {
        return onDrained == null ? room() : Math.min(room(), queue.owed());
    }

    private void endTurn() {
        ending = false;
        // Otherwise this turn was cut off, and the next one begins with what it owes.
        if (settled) {
            settled = false;
            completeEnded();
            settled = true;
            drainIfDone();
        }
    }

    private void completeEnded() {
        if (hasCompletions()) {
            owesFlush = true;
            work += complete();
            completionAttempts = 0;
        }
        if (owesFlush) {
            queue.flush();
            owesFlush = false;
        }
    }

    private void startBatch() {
        if (next < batch.count) {
            read = false;
            do {
                prepare(batch, next);
                next++;
            } while (next < batch.count);
        }
        // What the reads owe comes here, and not while the requests begin: what was read would be
        // garbage then.
        NativeMemory.settle();
        read = true;
        attempts = 0;
        begin();
    }

    private void recover() {
        if (!read) {
            next -= forget();
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
        return onDrained == null ? room() == 0 || queue.arm() : wanted() <= 0;
    }

    @Override
    public void disarm() {
        queue.disarm();
    }

    private void drainIfDone() {
        if (onDrained != null && inFlight() == 0 && wanted() <= 0) {
            Runnable drained = Objects.requireNonNull(onDrained);
            onDrained = null;
            registration.close();
            drained.run();
        }
    }
}
