package io.vireo.device.virtio.scsi;

import io.vireo.reactor.Reactor;
import io.vireo.reactor.Timer;
import io.vireo.scsi.ScsiNexus;
import io.vireo.scsi.ScsiStatus;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskAttribute;
import io.vireo.virtqueue.ChainBatch;
import io.vireo.virtqueue.Reader;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.Writer;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A request queue (VIRTIO 1.3, 5.6.6.1).
 *
 * <p>When it stops it does not wait for room in a full pool: what was popped last is taken back, if
 * the nexus gives it, and popped again by whoever serves the queue next, as if it never had been;
 * then what was popped before it. What has a request behind it that was answered is waited for,
 * since the place where the queue goes on is behind both. Of what was in flight when the last
 * process died such requests are popped and waited for, too; those of them that cannot be carried
 * out twice are not begun again ({@link ScsiTask#recovered}).
 */
final class RequestQueue extends ServedQueue {
    /**
     * Chains per turn: few enough that the driver refills the queue while the next ones are served.
     */
    private static final int BATCH = 16;

    /** How often a queue that stops looks whether something waits for room. */
    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    private final VirtioScsiDevice device;
    private final ScsiNexus nexus;
    private final int maxTransfer;
    private final int cdbSize;
    private final ResponseWriter responses;
    private final Timer lookingAgain;
    private final Reader reader = new Reader();
    private final Writer writer = new Writer();

    /** By index of the task; made when first needed. */
    private final @Nullable RequestSlot[] slots;

    private final int[] free;

    /** Requests that were read in this turn, and how many of them have begun. */
    private final RequestSlot[] prepared = new RequestSlot[BATCH];

    private int preparedCount;
    private int begunCount;
    private int freeCount;
    private int slotsMade;
    private int inFlight;

    /** Indices of slots that have ended, in order: a ring. */
    private final int[] done;

    private int doneFirst;
    private int doneCount;

    RequestQueue(VirtioScsiDevice device, Reactor reactor, Virtqueue queue, ScsiNexus nexus) {
        super(device.name(), reactor, queue, BATCH);
        this.device = device;
        this.nexus = nexus;
        maxTransfer = device.maxTransferBytes();
        cdbSize = device.config().cdbSize();
        responses = new ResponseWriter(device.config().senseSize());
        lookingAgain = reactor.timer(this::takeBackLast);
        slots = new RequestSlot[queue.size()];
        free = new int[queue.size()];
        done = new int[queue.size()];
    }

    @Override
    void stop(Runnable whenDrained) {
        super.stop(() -> {
            lookingAgain.cancel();
            whenDrained.run();
        });
        takeBackLast();
    }

    /** Has what was popped last come back, if it would wait for room. */
    private void takeBackLast() {
        int head = queue.last();
        if (!isStopping() || head < 0) {
            return;
        }
        // It may be on its way there still.
        lookingAgain.start(LOOK_AGAIN_NANOS);
        for (int i = 0; i < slotsMade; i++) {
            RequestSlot slot = slot(i);
            if (slot.underWay && slot.head == head) {
                nexus.takeBack(slot.task);
                return;
            }
        }
    }

    @Override
    int room() {
        return device.link().state() == Link.State.DOWN ? 0 : slots.length - inFlight;
    }

    @Override
    int inFlight() {
        return inFlight;
    }

    @Override
    void prepare(ChainBatch chains, int index) {
        reader.reset(chains, index);
        writer.reset(chains, index);
        if (reader.remaining() < ScsiProtocol.REQUEST_HEADER + cdbSize
                || writer.remaining() < responses.size()) {
            queue.fail("a request has no room for its header or its response");
            return;
        }
        RequestSlot slot = spareSlot();
        decode(slot, chains.head[index]);
        slot.task.recovered(isRecovered(index));
        freeCount--;
        prepared[preparedCount++] = slot;
    }

    @Override
    int forget() {
        int forgotten = preparedCount;
        freeCount += forgotten;
        preparedCount = 0;
        return forgotten;
    }

    @Override
    void begin() {
        while (begunCount < preparedCount) {
            RequestSlot slot = prepared[begunCount++];
            inFlight++;
            slot.underWay = true;
            if (slot.early == ScsiProtocol.S_OK) {
                nexus.submit(slot.task);
            } else {
                addDone(slot.task.index());
            }
        }
        preparedCount = 0;
        begunCount = 0;
    }

    private void decode(RequestSlot slot, int head) {
        long lun = ScsiProtocol.lun(Long.reverseBytes(reader.getLong()));
        long tag = reader.getLong();
        TaskAttribute attribute = ScsiProtocol.attribute(reader.getByte());
        reader.skip(ScsiProtocol.PRIO_AND_CRN);
        ScsiTask task = slot.task;
        slot.head = head;
        slot.early = obstacle(lun);
        task.prepare(lun, tag, attribute, cdbSize);
        reader.copyTo(task.cdb(), 0, cdbSize);
        slot.responseAt = writer.contiguous(responses.size());
        if (slot.responseAt == 0) {
            slot.response.clear();
            writer.takeInto(slot.response, responses.size());
        }
        slot.out = reader.remaining();
        slot.in = writer.remaining();
        boolean both = slot.out > 0 && slot.in > 0;
        if (both && !device.took(ScsiProtocol.F_INOUT)) {
            slot.early = ScsiProtocol.S_FAILURE;
        }
        reader.takeInto(task.dataOut(), Math.min(slot.out, maxTransfer));
        writer.takeInto(task.dataIn(), Math.min(slot.in, maxTransfer));
    }

    private byte obstacle(long lun) {
        if (device.link().state() == Link.State.LOST) {
            return ScsiProtocol.S_TRANSPORT_FAILURE;
        }
        return lun == ScsiProtocol.BAD_TARGET ? ScsiProtocol.S_BAD_TARGET : ScsiProtocol.S_OK;
    }

    private RequestSlot spareSlot() {
        if (freeCount == 0) {
            free[freeCount++] = slotsMade;
            slots[slotsMade] = new RequestSlot(queue.index() << 16 | slotsMade);
            slotsMade++;
        }
        return slot(free[freeCount - 1]);
    }

    private RequestSlot slot(int index) {
        RequestSlot slot = slots[index & 0xFFFF];
        if (slot == null) {
            throw new IllegalStateException("slot " + index);
        }
        return slot;
    }

    /** A task has ended; no memory of the guest is touched here. */
    void completed(ScsiTask task) {
        if (task.outcome() != ScsiTask.Outcome.COMPLETED
                && device.link().state() == Link.State.LOST) {
            slot(task.index()).early = ScsiProtocol.S_TRANSPORT_FAILURE;
        }
        addDone(task.index());
        ended();
    }

    private void addDone(int index) {
        int at = doneFirst + doneCount++;
        done[at < done.length ? at : at - done.length] = index & 0xFFFF;
    }

    @Override
    boolean hasCompletions() {
        return doneCount > 0;
    }

    @Override
    int complete() {
        int work = doneCount;
        while (doneCount > 0) {
            RequestSlot slot = slot(done[doneFirst]);
            boolean back = isGivenBack(slot);
            if (back) {
                giveBack(slot.head);
            } else {
                int written = respond(slot);
                if (queue.inFlight(slot.head)) {
                    queue.push(slot.head, written);
                }
            }
            removeDone();
            if (back) {
                takeBackLast();
            }
        }
        return work;
    }

    private boolean isGivenBack(RequestSlot slot) {
        return slot.task.outcome() == ScsiTask.Outcome.TAKEN_BACK
                && (queue.last() == slot.head || !queue.inFlight(slot.head));
    }

    /** Maybe for the second time, after it was cut off. */
    private void giveBack(int head) {
        if (queue.inFlight(head)) {
            queue.rewind(1);
        }
    }

    @Override
    void dropCompletion() {
        removeDone();
    }

    private void removeDone() {
        slot(done[doneFirst]).underWay = false;
        free[freeCount++] = done[doneFirst];
        inFlight--;
        doneFirst = doneFirst + 1 == done.length ? 0 : doneFirst + 1;
        doneCount--;
    }

    /** Writes the response; returns how many bytes of the chain were written. */
    private int respond(RequestSlot slot) {
        ScsiTask task = slot.task;
        byte response = slot.early;
        byte status = 0;
        long residual = 0;
        int sense = 0;
        int data = 0;
        if (response != ScsiProtocol.S_OK) {
            residual = slot.out + slot.in;
        } else if (task.outcome() != ScsiTask.Outcome.COMPLETED) {
            response = ScsiProtocol.response(task.outcome());
        } else {
            long out = slot.out - task.dataOutWanted();
            long in = slot.in - task.dataInWanted();
            boolean tooMuch = out < 0 || in < 0;
            if (tooMuch && task.status() == ScsiStatus.GOOD) {
                response = ScsiProtocol.S_OVERRUN;
            }
            status = task.status().code();
            residual = Math.max(0, out) + Math.max(0, in);
            sense = task.senseLength();
            data = task.dataInLength();
        }
        return responses.write(slot, response, status, residual, sense, data);
    }
}
