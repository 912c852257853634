package io.vireo.device.virtio.blk;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCompletion;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.LatencyHistogram;
import io.vireo.memory.NativeMemory;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.Registration;
import io.vireo.reactor.Timer;
import io.vireo.virtqueue.ChainBatch;
import io.vireo.virtqueue.Virtqueue;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One request queue while it runs: pops chains, has them checked, submits them to its channel,
 * writes the status byte and completes the chain.
 *
 * <p>The guest's memory may vanish in the middle of a turn, and the {@link InternalError} comes at
 * any point after that. So it is touched only where the turn can be cut off: a batch is read whole
 * and its error awaited before the first of it is submitted, and what the channel has ended waits
 * until the channel is done. The next turn then reads the batch again, and goes on with the request
 * that was being completed. A second failure at the same place breaks the queue. Where the error
 * comes only when a request was completed nobody looks at it again: whether the memory is gone is
 * asked by those whom the reactor tells.
 *
 * <p>A queue that stops does not wait for room in a full pool: what was popped last and waits for
 * it is taken back and popped again by whoever serves the queue next, as if it never had been. What
 * has a request behind it that was answered is waited for, since the place where the queue goes on
 * is behind both. Of what was in flight when the last process died such requests are popped and
 * waited for, too.
 */
final class BlkQueue implements Poller, BlockCompletion {
    /**
     * Chains per turn: few enough that the driver refills the queue while the next ones are served.
     */
    private static final int BATCH = 16;

    /** How often a queue that stops looks whether something waits for room. */
    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private static final String GONE = "the memory of a request is gone";

    private final VirtioBlkDevice device;
    private final Virtqueue queue;
    private final BlockChannel channel;
    private final BlkRequestDecoder decoder;
    private final ChainBatch batch;
    private final LatencyHistogram.Recorder reads;
    private final LatencyHistogram.Recorder writes;
    private final Registration registration;
    private final Timer lookingAgain;

    /** By tag; made when first needed. */
    private final BlkSlot[] slots;

    private final int[] free;
    private int freeCount;
    private int slotsMade;
    private int inFlight;

    /** Requests of the batch that were read, and how many of them have begun. */
    private final BlkSlot[] prepared = new BlkSlot[BATCH];

    /** What each ends with at once, or {@link BlkRequestDecoder#SUBMIT}. */
    private final int[] outcomes = new int[BATCH];

    private int preparedCount;
    private int begunCount;

    /** Whether a batch is being read, and attempts to do so that were cut off. */
    private boolean reading;

    private int attempts;

    /** Tags of the requests that have ended and are not completed, and how many of them are. */
    private final int[] done;

    private int doneCount;
    private int completedCount;

    /** When the chains of this turn were popped. */
    private long startedAt;

    /** When something was completed first in this turn; 0: nothing was yet. */
    private long completedAt;

    /** False in the middle of a turn. */
    private boolean settled = true;

    private @Nullable Runnable onDrained;

    /** Begins to serve a queue. */
    BlkQueue(VirtioBlkDevice device, Reactor reactor, Virtqueue queue, BlockChannel channel) {
        this.device = device;
        this.queue = queue;
        this.channel = channel;
        decoder = new BlkRequestDecoder(device);
        batch = new ChainBatch(BATCH, queue.size());
        reads = device.reads().recorder();
        writes = device.writes().recorder();
        slots = new BlkSlot[channel.free()];
        free = new int[slots.length];
        done = new int[slots.length];
        registration = reactor.add(this);
        lookingAgain = reactor.timer(this::takeBackHeld);
        queue.onKick(registration::wake);
        channel.onReady(registration::wake);
    }

    /** Stops popping; {@code whenDrained} runs when nothing is in flight and all is given back. */
    void stop(Runnable whenDrained) {
        onDrained = whenDrained;
        channel.drain();
        registration.wake();
        takeBackHeld();
        if (settled) {
            drainIfDone();
        }
    }

    /** Makes durable what was written so far, for the device's own sake. */
    void flush() {
        inFlight++;
        var request = new BlockRequest(slots.length, _ -> inFlight--);
        channel.submit(request.prepare(BlockOperation.FLUSH, 0, 0));
        registration.wake();
    }

    /** Requests that are being carried out; from any thread, a little out of date. */
    int inFlight() {
        return inFlight;
    }

    @Override
    public String name() {
        return device.name() + " queue " + queue.index();
    }

    @Override
    public int poll() {
        if (!settled) {
            recover();
        }
        settled = false;
        completedAt = 0;
        int work = 0;
        int wanted = wanted();
        if (wanted > 0) {
            batch.clear();
            reading = true;
            work = queue.pop(batch, wanted);
            startedAt = work == 0 ? 0 : System.nanoTime();
            startBatch();
        }
        work += channel.poll();
        complete();
        queue.flush();
        if (onDrained != null) {
            // What it owes would cut off its end.
            NativeMemory.settle();
        }
        settled = true;
        drainIfDone();
        return work;
    }

    /** Chains that are to be popped now; when it stops only those that it owes. */
    private int wanted() {
        int room = Math.min(channel.free(), slots.length - inFlight);
        return onDrained == null ? room : Math.min(room, queue.owed());
    }

    @Override
    public boolean arm() {
        if (doneCount > 0 || !settled || (onDrained != null && wanted() > 0)) {
            return false;
        }
        boolean popping = onDrained == null && channel.free() > 0;
        if (popping && !queue.arm()) {
            return false;
        }
        if (!channel.arm()) {
            if (popping) {
                queue.disarm();
            }
            return false;
        }
        return true;
    }

    @Override
    public void disarm() {
        queue.disarm();
        channel.disarm();
    }

    @Override
    public void completed(BlockRequest request) {
        BlkSlot slot = slots[request.tag()];
        if (request.status() == BlockStatus.OK && slot.hasMoreSegments()) {
            channel.submit(slot.nextSegment(request.operation(), device.writeThrough()));
        } else {
            if (request.status() == BlockStatus.OK) {
                timed(slot);
            }
            slot.givenBack = onDrained != null && request.status() == BlockStatus.CANCELLED;
            end(slot, BlkProtocol.wire(request.status()));
        }
    }

    /** One look at the clock in a turn will do: nobody is that exact. */
    private void timed(BlkSlot slot) {
        long now = completedAt;
        if (now == 0) {
            now = System.nanoTime();
            completedAt = now;
        }
        if (slot.request.operation() == BlockOperation.READ) {
            reads.record(now - slot.startedAt);
        } else if (slot.request.operation() == BlockOperation.WRITE) {
            writes.record(now - slot.startedAt);
        }
    }

    private void startBatch() {
        if (batch.count > 0) {
            readBatch();
            NativeMemory.settle();
        }
        reading = false;
        attempts = 0;
        begin();
    }

    private void readBatch() {
        for (int i = 0; i < batch.count; i++) {
            if (batch.writableBytes[i] == 0) {
                queue.fail("a request has no room for its status");
                return;
            }
            BlkSlot slot = spareSlot();
            outcomes[preparedCount] = decoder.decode(batch, i, slot);
            prepared[preparedCount++] = slot;
            freeCount--;
        }
    }

    private void begin() {
        while (begunCount < preparedCount) {
            int i = begunCount++;
            BlkSlot slot = prepared[i];
            inFlight++;
            slot.startedAt = startedAt;
            slot.underWay = true;
            if (outcomes[i] == BlkRequestDecoder.SUBMIT) {
                channel.submit(slot.request);
            } else {
                end(slot, (byte) outcomes[i]);
            }
        }
        preparedCount = 0;
        begunCount = 0;
    }

    /** Takes back what was read of a batch. */
    private void forgetBatch() {
        while (preparedCount > 0) {
            free[freeCount++] = prepared[--preparedCount].request.tag();
        }
    }

    private BlkSlot spareSlot() {
        if (freeCount == 0) {
            slots[slotsMade] = new BlkSlot(slotsMade, this);
            free[freeCount++] = slotsMade++;
        }
        return slots[free[freeCount - 1]];
    }

    /** The request is over, and is completed when the channel is done. */
    private void end(BlkSlot slot, byte status) {
        slot.status = status;
        done[doneCount++] = slot.request.tag();
    }

    private void complete() {
        while (completedCount < doneCount) {
            BlkSlot slot = slots[done[completedCount]];
            if (++slot.attempts > 2) {
                queue.fail(GONE);
            } else {
                complete(slot);
            }
            completedCount++;
            slot.underWay = false;
            inFlight--;
            free[freeCount++] = slot.request.tag();
        }
        completedCount = 0;
        doneCount = 0;
    }

    private void complete(BlkSlot slot) {
        if (slot.givenBack && (queue.last() == slot.head || !queue.inFlight(slot.head))) {
            if (queue.inFlight(slot.head)) {
                queue.rewind(1);
            }
            takeBackHeld();
            return;
        }
        NativeMemory.putByte(slot.statusAddress, slot.status);
        if (queue.inFlight(slot.head)) {
            // The status is the last byte, so all of the writable part counts as written.
            queue.push(slot.head, slot.writable);
        }
    }

    private void recover() {
        complete();
        if (!reading) {
            begin();
            return;
        }
        forgetBatch();
        if (++attempts > 1) {
            reading = false;
            attempts = 0;
            queue.fail(GONE);
        } else {
            startBatch();
        }
    }

    /** Has what was popped last end, if it waits for room; then what was popped before it. */
    private void takeBackHeld() {
        int head = queue.last();
        for (int i = 0; i < slotsMade && onDrained != null; i++) {
            if (slots[i].underWay && slots[i].head == head) {
                // It may be on its way there still.
                lookingAgain.start(LOOK_AGAIN_NANOS);
                channel.cancelHeld(i);
                return;
            }
        }
    }

    private void drainIfDone() {
        if (onDrained != null && inFlight == 0 && queue.owed() == 0) {
            Runnable drained = Objects.requireNonNull(onDrained);
            onDrained = null;
            lookingAgain.cancel();
            registration.close();
            device.reads().close(reads);
            device.writes().close(writes);
            channel.close(drained);
        }
    }
}
