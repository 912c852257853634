package io.vireo.device.virtio.scsi;

import io.vireo.memory.NativeMemory;
import io.vireo.reactor.Reactor;
import io.vireo.scsi.ScsiNexus;
import io.vireo.scsi.TaskManagement;
import io.vireo.virtqueue.ChainBatch;
import io.vireo.virtqueue.Reader;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.Writer;
import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;

/** The control queue: task management and asynchronous notification (VIRTIO 1.3, 5.6.6.2). */
final class ControlQueue extends ServedQueue {
    private static final int BATCH = 8;
    private static final int TYPE = 4;

    /** Bytes behind the type of a task management request: subtype, LUN, identifier. */
    private static final int FUNCTION = 20;

    /** Bytes behind the type of a notification request: LUN, events. */
    private static final int NOTIFICATION = 12;

    private static final int EVENTS = 4;

    /** A request that is to be answered: {@code response} goes to {@code address}. */
    private record Answer(int head, long address, byte response, int written) {}

    private final VirtioScsiDevice device;
    private final ScsiNexus nexus;
    private final Reader reader = new Reader();
    private final Writer writer = new Writer();
    private final Map<TaskManagement, Answer> running = new HashMap<>();
    private final ArrayDeque<Answer> done = new ArrayDeque<>();

    ControlQueue(VirtioScsiDevice device, Reactor reactor, Virtqueue queue, ScsiNexus nexus) {
        super(device.name(), reactor, queue, BATCH);
        this.device = device;
        this.nexus = nexus;
    }

    @Override
    int room() {
        return BATCH;
    }

    @Override
    int inFlight() {
        return running.size() + done.size();
    }

    @Override
    void prepare(ChainBatch chains, int index) {
        reader.reset(chains, index);
        writer.reset(chains, index);
        int head = chains.head[index];
        if (reader.remaining() < TYPE || writer.remaining() < 1) {
            queue.fail("a control request has no type, or no room for its response");
            return;
        }
        int type = reader.getInt();
        if (type == ScsiProtocol.T_TMF && reader.remaining() >= FUNCTION) {
            manage(head);
        } else if ((type == ScsiProtocol.T_AN_QUERY || type == ScsiProtocol.T_AN_SUBSCRIBE)
                && reader.remaining() >= NOTIFICATION
                && writer.remaining() > EVENTS) {
            notification(head);
        } else {
            done.add(new Answer(head, writer.address(), ScsiProtocol.S_FUNCTION_REJECTED, 1));
        }
    }

    private void manage(int head) {
        int subtype = reader.getInt();
        long lun = ScsiProtocol.lun(Long.reverseBytes(reader.getLong()));
        long tag = reader.getLong();
        NativeMemory.settle();
        if (!ScsiProtocol.isFunction(subtype)) {
            done.add(new Answer(head, writer.address(), ScsiProtocol.S_FUNCTION_REJECTED, 1));
        } else if (device.link().state() != Link.State.UP) {
            // Nothing of what waits is ended: it is still the driver's to wait for.
            done.add(new Answer(head, writer.address(), ScsiProtocol.S_TRANSPORT_FAILURE, 1));
        } else if (lun == ScsiProtocol.BAD_TARGET) {
            done.add(new Answer(head, writer.address(), ScsiProtocol.S_BAD_TARGET, 1));
        } else {
            var function = new TaskManagement().prepare(ScsiProtocol.function(subtype), lun, tag);
            running.put(function, new Answer(head, writer.address(), ScsiProtocol.S_OK, 1));
            nexus.manage(function);
        }
    }

    /** No unit notifies asynchronously of anything: no event of those asked for is supported. */
    private void notification(int head) {
        writer.putInt(0);
        done.add(new Answer(head, writer.address(), ScsiProtocol.S_OK, EVENTS + 1));
    }

    /** A function has ended; no memory of the guest is touched here. */
    void managed(TaskManagement function) {
        Answer answer = running.remove(function);
        if (answer != null) {
            byte response = ScsiProtocol.response(function.response());
            done.add(new Answer(answer.head, answer.address, response, answer.written));
            ended();
        }
    }

    @Override
    void begin() {
        // What was prepared is under way: no memory of the guest is touched for it.
    }

    @Override
    boolean hasCompletions() {
        return !done.isEmpty();
    }

    @Override
    int complete() {
        int work = done.size();
        while (!done.isEmpty()) {
            Answer answer = done.element();
            NativeMemory.putByte(answer.address, answer.response);
            if (queue.inFlight(answer.head)) {
                queue.push(answer.head, answer.written);
            }
            done.remove();
        }
        return work;
    }

    @Override
    void dropCompletion() {
        done.remove();
    }
}
