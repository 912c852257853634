package io.vireo.device.virtio.scsi;

import io.vireo.memory.NativeMemory;
import io.vireo.reactor.Reactor;
import io.vireo.virtqueue.ChainBatch;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.Writer;
import java.util.ArrayDeque;

/**
 * The event queue (VIRTIO 1.3, 5.6.6.3): each event takes a buffer of the driver's. Events for
 * which there is no buffer wait; if too many do, the driver is told that it missed some.
 */
final class EventQueue extends ServedQueue {
    private static final int BATCH = 1;

    private final EventLog events;
    private final Writer writer = new Writer();
    private final ArrayDeque<Integer> written = new ArrayDeque<>();

    EventQueue(VirtioScsiDevice device, Reactor reactor, Virtqueue queue, EventLog events) {
        super(device.name(), reactor, queue, BATCH);
        this.events = events;
    }

    @Override
    int room() {
        return events.isEmpty() ? 0 : BATCH;
    }

    @Override
    int inFlight() {
        return written.size();
    }

    @Override
    void prepare(ChainBatch chains, int index) {
        writer.reset(chains, index);
        if (writer.remaining() < ScsiProtocol.EVENT) {
            queue.fail("a buffer for events is too small");
            return;
        }
        EventLog.Event event = events.next();
        writer.putInt(event.type());
        writer.putLong(Long.reverseBytes(event.lun()));
        writer.putInt(event.reason());
        NativeMemory.settle();
        events.told();
        written.add(chains.head[index]);
    }

    @Override
    void begin() {
        // What was prepared is under way: no memory of the guest is touched for it.
    }

    @Override
    boolean hasCompletions() {
        return !written.isEmpty();
    }

    @Override
    int complete() {
        int work = written.size();
        while (!written.isEmpty()) {
            int head = written.element();
            if (queue.inFlight(head)) {
                queue.push(head, ScsiProtocol.EVENT);
            }
            written.remove();
        }
        return work;
    }

    @Override
    void dropCompletion() {
        written.remove();
    }
}
