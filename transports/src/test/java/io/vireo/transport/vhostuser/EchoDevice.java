package io.vireo.transport.vhostuser;

import io.vireo.device.VirtioDevice;
import io.vireo.linux.ForeignMemory;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorGroup;
import io.vireo.reactor.Registration;
import io.vireo.resource.MacAddress;
import io.vireo.virtqueue.ChainBatch;
import io.vireo.virtqueue.Reader;
import io.vireo.virtqueue.Virtqueue;
import io.vireo.virtqueue.Writer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The simplest device: copies what is readable of a chain to what is writable. It can hold chains
 * back.
 */
final class EchoDevice implements VirtioDevice {
    static final int CONFIG_SIZE = 60;

    /** A feature that it does not offer any more. */
    static final long FORMER = 1L << 9;

    /** The byte of the configuration space that a driver may write. */
    static final int WRITABLE = 32;

    final AtomicLong negotiated = new AtomicLong(-1);
    final AtomicInteger resets = new AtomicInteger();
    final AtomicInteger mtu = new AtomicInteger();
    final AtomicReference<@Nullable MacAddress> announced = new AtomicReference<>();

    /** What {@link #enableQueue} was told, as {@code queue=enabled}. */
    final List<String> switched = new CopyOnWriteArrayList<>();

    /** Whether disabled queues are served on. */
    volatile boolean drains;

    /** How what a driver writes to the configuration space comes about. */
    volatile Consumer<Runnable> configWriter = Runnable::run;

    /** Chains that it takes at most, of all queues together. */
    volatile int room = Integer.MAX_VALUE;

    /** Chains taken so far, of all queues. */
    final AtomicInteger taken = new AtomicInteger();

    private final int type;
    private final Serving[] serving;
    private final Reactor[] reactors;
    private final byte[] config = new byte[CONFIG_SIZE];
    private volatile Runnable changed = () -> {};
    private volatile boolean holding;

    EchoDevice(int type, int queues, ReactorGroup group) {
        this.type = type;
        serving = new Serving[queues];
        reactors = new Reactor[queues];
        for (int i = 0; i < queues; i++) {
            reactors[i] = group.next();
        }
        for (int i = 0; i < CONFIG_SIZE; i++) {
            config[i] = (byte) (i + 1);
        }
    }

    /** Completes nothing until told otherwise. */
    void hold(boolean to) {
        holding = to;
        for (int i = 0; i < reactors.length; i++) {
            int index = i;
            reactors[i].execute(() -> {
                if (serving[index] != null) {
                    serving[index].wake();
                }
            });
        }
    }

    void changeConfig(int offset, byte value) {
        config[offset] = value;
        changed.run();
    }

    @Override
    public int deviceType() {
        return type;
    }

    @Override
    public String name() {
        return "echo";
    }

    @Override
    public long features() {
        return 1L << 5;
    }

    @Override
    public long formerFeatures() {
        return FORMER;
    }

    @Override
    public boolean completesInOrder() {
        return false;
    }

    @Override
    public int queueCount() {
        return serving.length;
    }

    @Override
    public Reactor reactor(int index) {
        return reactors[index];
    }

    @Override
    public int configSize() {
        return CONFIG_SIZE;
    }

    @Override
    public void readConfig(int offset, byte[] destination, int length) {
        System.arraycopy(config, offset, destination, 0, length);
    }

    @Override
    public void writeConfig(
            int offset, byte[] source, int length, Consumer<@Nullable String> done) {
        if (offset != WRITABLE || length != 1) {
            done.accept(CONFIG_READ_ONLY);
            return;
        }
        config[offset] = source[0];
        configWriter.accept(() -> done.accept(null));
    }

    @Override
    public void onConfigChange(Runnable to) {
        changed = to;
    }

    @Override
    public void negotiated(long features) {
        negotiated.set(features);
    }

    @Override
    public boolean setMtu(int to) {
        mtu.set(to);
        return to >= 68;
    }

    @Override
    public boolean announce(MacAddress address) {
        announced.set(address);
        return true;
    }

    @Override
    public void startQueue(int index, Virtqueue queue) {
        serving[index] = new Serving(queue, reactors[index]);
    }

    @Override
    public boolean drainsDisabled(int index) {
        return drains;
    }

    @Override
    public void enableQueue(int index, boolean enabled) {
        switched.add(index + "=" + enabled);
    }

    @Override
    public void stopQueue(int index, Runnable onDrained) {
        var stopping = serving[index];
        if (stopping == null) {
            onDrained.run();
        } else {
            serving[index] = null;
            stopping.stop(onDrained);
        }
    }

    @Override
    public void reset(Runnable onDone) {
        resets.incrementAndGet();
        onDone.run();
    }

    private final class Serving implements Poller {
        private final Virtqueue queue;
        private final Registration registration;
        private final ChainBatch batch;
        private final Reader reader = new Reader();
        private final Writer writer = new Writer();
        private final Deque<int[]> held = new ArrayDeque<>();
        private @Nullable Runnable onDrained;

        Serving(Virtqueue queue, Reactor reactor) {
            this.queue = queue;
            batch = new ChainBatch(queue.size());
            registration = reactor.add(this);
            queue.onKick(registration::wake);
        }

        void wake() {
            registration.wake();
        }

        void stop(Runnable drained) {
            onDrained = drained;
            registration.wake();
        }

        @Override
        public int poll() {
            int done = onDrained == null ? take() : 0;
            if (!holding) {
                done += complete();
            }
            var drained = onDrained;
            if (drained != null && held.isEmpty()) {
                registration.close();
                onDrained = null;
                drained.run();
            }
            return done;
        }

        private int take() {
            batch.count = 0;
            batch.ranges = 0;
            int popped = queue.pop(batch, Math.min(ChainBatch.CAPACITY, room - taken.get()));
            for (int i = 0; i < popped; i++) {
                reader.reset(batch, i);
                writer.reset(batch, i);
                int length = (int) Math.min(reader.remaining(), writer.remaining());
                var bytes = new byte[length];
                reader.copyTo(bytes, 0, length);
                writer.copyFrom(bytes, 0, length);
                held.add(new int[] {batch.head[i], length});
                taken.incrementAndGet();
            }
            return popped;
        }

        private int complete() {
            int count = held.size();
            while (!held.isEmpty()) {
                var chain = held.remove();
                if (queue.inFlight(chain[0])) {
                    queue.push(chain[0], chain[1]);
                }
            }
            if (count > 0) {
                ForeignMemory.fullFence();
                queue.flush();
            }
            return count;
        }

        @Override
        public String name() {
            return "echo";
        }

        @Override
        public boolean arm() {
            return onDrained == null && (holding || held.isEmpty()) && queue.arm();
        }

        @Override
        public void disarm() {
            queue.disarm();
        }
    }
}
