package io.vireo.device.virtio.scsi;

import io.vireo.device.VirtioDevice;
import io.vireo.reactor.Reactor;
import io.vireo.scsi.NexusListener;
import io.vireo.scsi.ScsiInitiator;
import io.vireo.scsi.ScsiNexus;
import io.vireo.scsi.ScsiPort;
import io.vireo.scsi.ScsiTarget;
import io.vireo.scsi.ScsiTask;
import io.vireo.scsi.TaskManagement;
import io.vireo.virtqueue.Virtqueue;
import org.jspecify.annotations.Nullable;

/**
 * A virtio SCSI host device with one target: a control queue, an event queue and request queues.
 * The driver is one initiator port with one I_T nexus, which begins when the first queue starts and
 * ends when the device is reset.
 */
public final class VirtioScsiDevice implements VirtioDevice {
    private final String name;
    private final ScsiTarget target;
    private final ScsiInitiator initiator;
    private final ScsiPort port;
    private final Reactor reactor;
    private final int requestQueues;
    private final ScsiConfigSpace config = new ScsiConfigSpace();
    private final Listener listener = new Listener();
    private volatile long negotiated;
    private volatile int inFlight;

    // Of the reactor.
    private final @Nullable ServedQueue[] running;
    private final EventLog events = new EventLog();
    private final Link link;
    private @Nullable ScsiNexus nexus;

    /** Queues that are to stop and wait for their tasks. */
    private int stopping;

    /**
     * A device that is not presented yet.
     *
     * @param name for logs
     * @param initiator who the driver is to the target
     * @param port the target port that it comes through
     * @param reactor owner of all queues
     */
    public VirtioScsiDevice(
            String name,
            ScsiTarget target,
            ScsiInitiator initiator,
            ScsiPort port,
            Reactor reactor,
            int requestQueues) {
        this.name = name;
        this.target = target;
        this.initiator = initiator;
        this.port = port;
        this.reactor = reactor;
        this.requestQueues = requestQueues;
        running = new ServedQueue[ScsiProtocol.FIRST_REQUEST_QUEUE + requestQueues];
        link = new Link(reactor, this::linkLost, this::wakeAll);
    }

    @Override
    public int deviceType() {
        return ScsiProtocol.DEVICE_TYPE;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public long features() {
        return ScsiProtocol.F_INOUT | ScsiProtocol.F_HOTPLUG | ScsiProtocol.F_CHANGE;
    }

    @Override
    public boolean completesInOrder() {
        return false;
    }

    @Override
    public int queueCount() {
        return running.length;
    }

    @Override
    public Reactor reactor(int index) {
        return reactor;
    }

    @Override
    public int configSize() {
        return ScsiConfigSpace.SIZE;
    }

    @Override
    public void readConfig(int offset, byte[] destination, int length) {
        byte[] space = config.encode(requestQueues, target.maxTransferBytes());
        System.arraycopy(space, offset, destination, 0, length);
    }

    @Override
    public boolean writeConfig(int offset, byte[] source, int length) {
        return config.write(offset, source, length);
    }

    @Override
    public void onConfigChange(Runnable changed) {
        // Nothing of it changes by itself.
    }

    @Override
    public void negotiated(long features) {
        negotiated = features;
    }

    /** Whether the driver took a feature. */
    boolean took(long feature) {
        return (negotiated & feature) != 0;
    }

    /** The link of the adapter. */
    Link link() {
        return link;
    }

    /** I_T nexus loss: what is still being carried out ends, too. */
    private void linkLost() {
        ScsiNexus open = nexus;
        if (open != null) {
            open.manage(
                    new TaskManagement().prepare(TaskManagement.Function.I_T_NEXUS_RESET, 0, 0));
        }
    }

    private void wakeAll() {
        for (ServedQueue queue : running) {
            if (queue != null) {
                queue.wake();
            }
        }
    }

    ScsiConfigSpace config() {
        return config;
    }

    int maxTransferBytes() {
        return target.maxTransferBytes();
    }

    /** Tasks that are being carried out; from any thread, a little out of date. */
    int requestsInFlight() {
        return inFlight;
    }

    @Override
    public void startQueue(int index, Virtqueue queue) {
        ScsiNexus open = nexus;
        if (open == null) {
            open = target.open(initiator, port, reactor, listener);
            nexus = open;
        }
        running[index] =
                switch (index) {
                    case ScsiProtocol.CONTROL_QUEUE -> new ControlQueue(this, reactor, queue, open);
                    case ScsiProtocol.EVENT_QUEUE -> new EventQueue(this, reactor, queue, events);
                    default -> new RequestQueue(this, reactor, queue, open);
                };
    }

    @Override
    public void stopQueue(int index, Runnable onDrained) {
        ServedQueue queue = running[index];
        if (queue == null) {
            onDrained.run();
            return;
        }
        ScsiNexus open = nexus;
        if (open != null && stopping++ == 0) {
            open.hurry(true);
        }
        queue.stop(() -> {
            running[index] = null;
            if (open != null && --stopping == 0) {
                open.hurry(false);
            }
            onDrained.run();
        });
    }

    @Override
    public void reset(Runnable onDone) {
        negotiated = 0;
        config.reset();
        reactor.execute(() -> {
            events.clear();
            link.set(true);
            ScsiNexus open = nexus;
            nexus = null;
            if (open == null) {
                onDone.run();
            } else {
                open.close(onDone);
            }
        });
    }

    private void tell(int type, long lun, int reason, long feature) {
        if (took(feature)) {
            events.add(new EventLog.Event(type, ScsiProtocol.field(lun), reason));
            ServedQueue queue = running[ScsiProtocol.EVENT_QUEUE];
            if (queue != null) {
                queue.wake();
            }
        }
    }

    /** The driver's side of the nexus. */
    private final class Listener implements NexusListener {
        @Override
        public void completed(ScsiTask task) {
            if (running[task.index() >> 16] instanceof RequestQueue queue) {
                queue.completed(task);
            }
        }

        @Override
        public void managed(TaskManagement function) {
            if (running[ScsiProtocol.CONTROL_QUEUE] instanceof ControlQueue queue) {
                queue.managed(function);
            }
        }

        @Override
        public void settled() {
            // Queues that have something to complete are awake.
            ScsiNexus open = nexus;
            inFlight = open == null ? 0 : open.inFlight();
        }

        @Override
        public void linkChanged(boolean up) {
            link.set(up);
        }

        @Override
        public void unitAdded(long lun) {
            tell(
                    ScsiProtocol.T_TRANSPORT_RESET,
                    lun,
                    ScsiProtocol.RESET_RESCAN,
                    ScsiProtocol.F_HOTPLUG);
        }

        @Override
        public void unitRemoved(long lun) {
            tell(
                    ScsiProtocol.T_TRANSPORT_RESET,
                    lun,
                    ScsiProtocol.RESET_REMOVED,
                    ScsiProtocol.F_HOTPLUG);
        }

        @Override
        public void unitChanged(long lun, int asc, int ascq) {
            tell(ScsiProtocol.T_PARAM_CHANGE, lun, ascq << 8 | asc, ScsiProtocol.F_CHANGE);
        }
    }
}
