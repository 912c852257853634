package io.vireo.device.virtio.net;

import io.vireo.device.VirtioDevice;
import io.vireo.net.Announcement;
import io.vireo.net.FrameBatch;
import io.vireo.net.NetPort;
import io.vireo.net.PortState;
import io.vireo.net.SoftwareOffload;
import io.vireo.net.Station;
import io.vireo.reactor.Reactor;
import io.vireo.resource.MacAddress;
import io.vireo.resource.spec.Limits;
import io.vireo.virtqueue.Virtqueue;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A virtio network card (VIRTIO 1.3, 5.1): a {@link VirtioDevice} towards a guest's driver and a
 * {@link NetPort} towards a network. All queues belong to the network's reactor, and follow the
 * card to that of another network: what the network takes from one guest goes into the buffers of
 * another by one copy.
 *
 * <p>Even queues are receiveqs, odd ones transmitqs. A control queue follows them where the
 * transport brings one and the driver took it; then {@link CardSettings} says what the driver set.
 * Without, a front end that offers several pairs answers it itself and says by starting queues how
 * many are in use.
 */
public final class VirtioNetDevice implements VirtioDevice, NetPort {
    private static final int TYPE = 1;

    private final String name;
    private final MacAddress mac;
    private final int queuePairs;
    private final NetStatistics statistics = new NetStatistics();
    private final QueuePairs queues;
    private @Nullable SoftwareOffload software;
    private Runnable ready = () -> {};
    private boolean armed;

    /** The station that is to be told of with the next batch; on the network's reactor. */
    private @Nullable Station announced;

    private Consumer<MacAddress> arrival = _ -> {};
    private Runnable cameUp = () -> {};

    /** What the driver set by its control queue; null where it has none. */
    private @Nullable CardSettings settings;

    private @Nullable ControlQueue control;
    private int settingsAge;

    private volatile Reactor reactor;
    private volatile int mtu;
    private volatile OptionalInt speed;
    private volatile long negotiated;

    /** Counts negotiations, each of which makes {@link #settings} anew. */
    private volatile int age;

    private volatile boolean up;
    private volatile boolean linked = true;
    private volatile boolean announcing;
    private volatile Runnable configChanged = () -> {};

    public VirtioNetDevice(VirtioNetConfig config) {
        name = config.name();
        mac = config.mac();
        mtu = config.mtu();
        queuePairs = config.queuePairs();
        reactor = config.reactor();
        speed = config.speed();
        queues = new QueuePairs(queuePairs, statistics);
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

    /** All that hypervisors keep to themselves over vhost-user. */
    @Override
    public long controlFeatures() {
        return queuePairs > 1 ? NetFeatures.CONTROLLED : NetFeatures.CONTROLLED & ~NetFeatures.RSS;
    }

    @Override
    public int controlQueueCount() {
        return 1;
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
        return NetConfigSpace.SIZE;
    }

    @Override
    public void readConfig(int offset, byte[] destination, int length) {
        int status =
                (linked ? NetConfigSpace.LINK_UP : 0) | (announcing ? NetConfigSpace.ANNOUNCE : 0);
        new NetConfigSpace(mac, status, queuePairs, mtu, speed)
                .bytes()
                .get(offset, destination, 0, length);
    }

    /** Nothing is writable: the address of a card belongs to its profile. */
    @Override
    public void writeConfig(
            int offset, byte[] source, int length, Consumer<@Nullable String> done) {
        done.accept(CONFIG_READ_ONLY);
    }

    @Override
    public void onConfigChange(Runnable changed) {
        configChanged = changed;
    }

    @Override
    public void negotiated(long features) {
        if (features != negotiated) {
            negotiated = features;
            begin();
        }
    }

    private void begin() {
        announcing = false;
        // Written by one thread, the transport's.
        int next = age + 1;
        age = next;
    }

    /**
     * Plugs the cable in or pulls it; any thread. Without, what the guest sends is dropped, and
     * nothing comes.
     */
    public void link(boolean plugged) {
        if (linked == plugged) {
            return;
        }
        linked = plugged;
        reactor.execute(() -> {
            settingsChanged();
            queues.transmitQueues().forEach(this::enabled);
        });
        configChanged.run();
    }

    /**
     * Shows the driver another speed; any thread.
     *
     * @param mbits in Mbit/s; absent: it is not known
     */
    public void speed(OptionalInt mbits) {
        if (!mbits.equals(speed)) {
            speed = mbits;
            configChanged.run();
        }
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
        if ((negotiated & NetFeatures.GUEST_ANNOUNCE) != 0) {
            // It knows all its addresses.
            announcing = true;
            configChanged.run();
            return true;
        }
        reactor.execute(() -> {
            announced = new Station(address, 0);
            ready.run();
        });
        return true;
    }

    /**
     * Gives the card to another reactor. No network has it, no queue runs, and none is started
     * meanwhile.
     */
    void move(Reactor to) {
        reactor = to;
    }

    @Override
    public void startQueue(int index, Virtqueue queue) {
        long features = NetFeatures.consistent(queue.features());
        var set = settings(features);
        if (set != null && index == set.controlIndex()) {
            var started = new ControlQueue(set, reactor, queue);
            control = started;
            queue.onKick(started::serve);
            started.serve();
            return;
        }
        boolean receive = index % 2 == 0;
        var coalescing = coalescing(features, queue);
        if (coalescing != null && set != null) {
            coalescing.set(set.coalescing(receive));
        }
        if (receive) {
            queues.start(
                    index / 2,
                    new ReceiveQueue(
                            queue, features, statistics, this::softwareOffload, coalescing));
        } else {
            var added = new TransmitQueue(queue, features, statistics, coalescing);
            queues.start(index / 2, added);
            queue.onKick(() -> kicked(added));
        }
        settingsChanged();
        if (armed) {
            // What is there already was never asked for.
            ready.run();
        }
    }

    private @Nullable Coalescing coalescing(long features, Virtqueue queue) {
        boolean wanted = (features & (NetFeatures.NOTF_COAL | NetFeatures.VQ_NOTF_COAL)) != 0;
        return wanted ? new Coalescing(reactor, queue) : null;
    }

    /** Those since the last negotiation. */
    private @Nullable CardSettings settings(long features) {
        int current = age;
        if (settingsAge != current) {
            settingsAge = current;
            settings =
                    (features & NetFeatures.CTRL_VQ) == 0
                            ? null
                            : new CardSettings(this, features, queuePairs);
        }
        return settings;
    }

    private void kicked(TransmitQueue queue) {
        if (queue.idle(linked)) {
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
        var queue = queues.transmitQueue(index / 2);
        if (queue == null || queue.disabled != enabled) {
            return;
        }
        queue.disabled = !enabled;
        changed();
        enabled(queue);
    }

    /** Follows a change of whether a queue is to be drained. */
    private void enabled(TransmitQueue queue) {
        if (queue.idle(linked)) {
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
            more = queue.idle(linked) && (queue.drain() || !queue.queue.arm());
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
        var set = settings;
        try {
            if (index >= 2 * queuePairs || set != null && index == set.controlIndex()) {
                stopControl();
            } else if (index % 2 == 0) {
                queues.stopReceiving(pair);
            } else {
                queues.stopTransmitting(pair);
            }
        } finally {
            changed();
            onDrained.run();
        }
    }

    private void stopControl() {
        var stopping = control;
        control = null;
        if (stopping != null) {
            stopping.stop();
        }
    }

    private void changed() {
        var set = settings;
        queues.select(set == null ? queuePairs : set.activePairs(), linked);
        boolean wasUp = up;
        up = queues.canReceive() && linked;
        if (up && !wasUp) {
            cameUp.run();
        }
    }

    // --- what the control queue changes, and asks; on the card's reactor

    /** Queues follow what the driver set. */
    void settingsChanged() {
        changed();
        var set = settings;
        if (set != null) {
            queues.follow(set);
        }
    }

    /** How a running queue tells of what it used; empty if it does not run. */
    Optional<Coalescing> coalescing(int index) {
        return queues.coalescing(index);
    }

    /** Returns whether the guest had been asked to announce itself. */
    boolean announceAcknowledged() {
        boolean asked = announcing;
        announcing = false;
        return asked;
    }

    @Override
    public void reset(Runnable onDone) {
        negotiated = 0;
        begin();
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
        armed = false;
    }

    @Override
    public void onArrival(Consumer<MacAddress> listener) {
        arrival = listener;
    }

    @Override
    public void onUp(Runnable listener) {
        cameUp = listener;
    }

    @Override
    public void detached() {
        ready = () -> {};
        arrival = _ -> {};
        cameUp = () -> {};
        var offload = software;
        software = null;
        if (offload != null) {
            offload.close();
        }
    }

    @Override
    public int receive(FrameBatch batch) {
        var station = announced;
        if (station != null && linked) {
            announced = null;
            Announcement.add(batch, station);
            arrival.accept(station.address());
            return 1;
        }
        return queues.receive(batch);
    }

    @Override
    public boolean appends() {
        return true;
    }

    @Override
    public void release(FrameBatch batch) {
        queues.release();
    }

    @Override
    public int transmit(FrameBatch batch, int[] index, int count) {
        var set = settings;
        return set == null
                ? queues.transmit(batch, index, count)
                : queues.transmit(set, batch, index, count);
    }

    @Override
    public void publish() {
        queues.publish();
    }

    @Override
    public void flush() {
        queues.flush();
    }

    @Override
    public boolean arm() {
        boolean all = queues.arm();
        armed |= all;
        return all;
    }

    @Override
    public void disarm() {
        armed = false;
        queues.disarm();
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
