package io.vireo.device.virtio.net;

import io.vireo.device.VirtioDevice;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.net.SoftwareOffload;
import io.vireo.reactor.Reactor;
import io.vireo.resource.MacAddress;
import io.vireo.resource.spec.Limits;
import io.vireo.virtqueue.Virtqueue;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A virtio network card (VIRTIO 1.3, 5.1): a {@link VirtioDevice} towards a guest's driver and a
 * {@link NetPort} towards a network. All queues belong to the network's reactor: what the network
 * takes from one guest goes into the buffers of another by one copy.
 *
 * <p>Even queues are receiveqs, odd ones transmitqs. There is no control queue: a front end that
 * offers several pairs answers it itself and says by starting queues how many are in use.
 */
public final class VirtioNetDevice implements VirtioDevice, NetPort {
    private static final int TYPE = 1;

    // struct virtio_net_config up to mtu (VIRTIO 1.3, 5.1.4)
    private static final int CONFIG_SIZE = 12;
    private static final int CONFIG_STATUS = 6;
    private static final int CONFIG_PAIRS = 8;
    private static final int CONFIG_MTU = 10;
    private static final short LINK_UP = 1;

    private final String name;
    private final MacAddress mac;
    private final int queuePairs;
    private final Reactor reactor;
    private final NetStatistics statistics = new NetStatistics();
    private final @Nullable ReceiveQueue[] receiveQueues;
    private final @Nullable TransmitQueue[] transmitQueues;

    // The queues that run, without gaps.
    private ReceiveQueue[] receiving = new ReceiveQueue[0];
    private TransmitQueue[] transmitting = new TransmitQueue[0];

    /** Position in {@link #transmitting} of the queue that the batch under way came from. */
    private int current;

    private final FlowSpreader spreader = new FlowSpreader();
    private @Nullable SoftwareOffload software;
    private Runnable ready = () -> {};
    private boolean armed;

    /** The address that is to be told of with the next batch; on the network's reactor. */
    private @Nullable MacAddress announced;

    private volatile int mtu;
    private volatile long negotiated;
    private volatile boolean up;

    public VirtioNetDevice(VirtioNetConfig config) {
        name = config.name();
        mac = config.mac();
        mtu = config.mtu();
        queuePairs = config.queuePairs();
        reactor = config.reactor();
        receiveQueues = new ReceiveQueue[queuePairs];
        transmitQueues = new TransmitQueue[queuePairs];
    }

    @Override
    public String name() {
        return name;
    }

    // --- the card, towards the driver

    @Override
    public int deviceType() {
        return TYPE;
    }

    @Override
    public long features() {
        return queuePairs > 1 ? NetFeatures.OFFERED | NetFeatures.MQ : NetFeatures.OFFERED;
    }

    @Override
    public boolean completesInOrder() {
        return true;
    }

    @Override
    public int queueCount() {
        return 2 * queuePairs;
    }

    @Override
    public Reactor reactor(int index) {
        return reactor;
    }

    @Override
    public int configSize() {
        return CONFIG_SIZE;
    }

    @Override
    public void readConfig(int offset, byte[] destination, int length) {
        var config = ByteBuffer.allocate(CONFIG_SIZE).order(ByteOrder.LITTLE_ENDIAN);
        config.put(0, mac.octets());
        config.putShort(CONFIG_STATUS, LINK_UP);
        config.putShort(CONFIG_PAIRS, (short) queuePairs);
        config.putShort(CONFIG_MTU, (short) mtu);
        config.get(offset, destination, 0, length);
    }

    /** Nothing is writable: the address of a card belongs to its profile. */
    @Override
    public boolean writeConfig(int offset, byte[] source, int length) {
        return false;
    }

    /** The configuration space does not change by itself. */
    @Override
    public void onConfigChange(Runnable changed) {}

    @Override
    public void negotiated(long features) {
        negotiated = features;
    }

    @Override
    public boolean setMtu(int newMtu) {
        if (newMtu < Limits.MTU_MIN || newMtu > Limits.MTU_MAX) {
            return false;
        }
        mtu = newMtu;
        return true;
    }

    @Override
    public boolean announce(MacAddress address) {
        reactor.execute(() -> {
            announced = address;
            ready.run();
        });
        return true;
    }

    @Override
    public void startQueue(int index, Virtqueue queue) {
        long features = NetFeatures.consistent(queue.features());
        int pair = index / 2;
        if (index % 2 == 0) {
            receiveQueues[pair] =
                    new ReceiveQueue(queue, features, statistics, this::softwareOffload);
        } else {
            var added = new TransmitQueue(queue, features, statistics);
            transmitQueues[pair] = added;
            queue.onKick(() -> kicked(added));
        }
        changed();
        if (armed) {
            // What is there already was never asked for.
            ready.run();
        }
    }

    private void kicked(TransmitQueue queue) {
        if (queue.disabled) {
            drain(queue);
        } else {
            ready.run();
        }
    }

    /** vhost-user, "Ring states": a disabled transmit ring is emptied, a receive ring is not. */
    @Override
    public boolean drainsDisabled(int index) {
        return index % 2 != 0;
    }

    @Override
    public void enableQueue(int index, boolean enabled) {
        var queue = transmitQueues[index / 2];
        if (queue == null || queue.disabled != enabled) {
            return;
        }
        queue.disabled = !enabled;
        changed();
        if (!enabled) {
            drain(queue);
        } else if (armed) {
            ready.run();
        } else {
            queue.queue.disarm();
        }
    }

    private void drain(TransmitQueue queue) {
        boolean more = true;
        try {
            more = queue.disabled && (queue.drain() || !queue.queue.arm());
        } finally {
            // The others on the reactor have their turn in between; after a memory fault too, which
            // another guest's memory may have caused.
            if (more) {
                reactor.execute(() -> drain(queue));
            }
        }
    }

    @Override
    public void stopQueue(int index, Runnable onDrained) {
        int pair = index / 2;
        try {
            if (index % 2 == 0) {
                stopReceiving(pair);
            } else {
                stopTransmitting(pair);
            }
        } finally {
            changed();
            onDrained.run();
        }
    }

    private void stopReceiving(int pair) {
        var queue = receiveQueues[pair];
        receiveQueues[pair] = null;
        if (queue != null) {
            queue.flush();
        }
    }

    private void stopTransmitting(int pair) {
        var queue = transmitQueues[pair];
        transmitQueues[pair] = null;
        if (queue != null) {
            queue.disabled = false;
            queue.release();
        }
    }

    private void changed() {
        receiving =
                Arrays.stream(receiveQueues).filter(Objects::nonNull).toArray(ReceiveQueue[]::new);
        transmitting =
                Arrays.stream(transmitQueues)
                        .filter(queue -> queue != null && !queue.disabled)
                        .toArray(TransmitQueue[]::new);
        current = 0;
        up = receiving.length > 0;
    }

    @Override
    public void reset(Runnable onDone) {
        negotiated = 0;
        onDone.run();
    }

    // --- the port, towards the network

    @Override
    public PortState state() {
        return up ? PortState.UP : PortState.DOWN;
    }

    @Override
    public int mtu() {
        return mtu;
    }

    @Override
    public void attached(Reactor owner, Runnable wake) {
        if (owner != reactor) {
            throw new IllegalStateException(
                    name + " belongs to reactor " + reactor.name() + ", not " + owner.name());
        }
        ready = wake;
    }

    @Override
    public void detached() {
        ready = () -> {};
        var offload = software;
        software = null;
        if (offload != null) {
            offload.close();
        }
    }

    @Override
    public int receive(FrameBatch batch) {
        var queues = transmitting;
        var address = announced;
        if (address != null) {
            announced = null;
            Announcement.fill(batch, address);
            return 1;
        }
        for (int i = 0; i < queues.length; i++) {
            current = current + 1 < queues.length ? current + 1 : 0;
            int frames = queues[current].receive(batch);
            if (frames > 0) {
                return frames;
            }
        }
        return 0;
    }

    @Override
    public void release(FrameBatch batch) {
        if (current < transmitting.length) {
            transmitting[current].release();
        }
    }

    @Override
    public int transmit(FrameBatch batch, int[] index, int count) {
        var queues = receiving;
        if (queues.length == 1) {
            return queues[0].transmit(batch, index, count);
        }
        int sent = 0;
        if (queues.length > 0) {
            spreader.spread(batch, index, count, queues.length);
            for (int q = 0; q < queues.length; q++) {
                int share = spreader.select(q);
                if (share > 0) {
                    sent += queues[q].transmit(batch, spreader.index(), share);
                }
            }
        }
        return sent;
    }

    @Override
    public void flush() {
        for (var queue : receiving) {
            queue.flush();
        }
    }

    @Override
    public boolean arm() {
        var queues = transmitting;
        for (int i = 0; i < queues.length; i++) {
            if (!queues[i].queue.arm()) {
                for (int j = 0; j < i; j++) {
                    queues[j].queue.disarm();
                }
                return false;
            }
        }
        armed = true;
        return true;
    }

    @Override
    public void disarm() {
        armed = false;
        for (var queue : transmitting) {
            queue.queue.disarm();
        }
    }

    private SoftwareOffload softwareOffload() {
        var offload = software;
        if (offload == null) {
            offload = new SoftwareOffload();
            software = offload;
        }
        return offload;
    }

    // --- for whoever shows it; any thread

    /** The card's address. */
    public MacAddress mac() {
        return mac;
    }

    /** Features that the driver took; 0 before. */
    public long negotiatedFeatures() {
        return negotiated;
    }

    NetStatistics statistics() {
        return statistics;
    }
}
