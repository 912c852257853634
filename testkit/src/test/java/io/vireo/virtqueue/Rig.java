package io.vireo.virtqueue;

import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A driver and a device that share a queue. */
final class Rig implements AutoCloseable {
    static final long MEMORY = 16 << 20;
    static final long ALL = Virtqueue.RING_FEATURES & ~Virtqueue.IN_ORDER;

    final DriverMemory memory;
    final DriverQueue driver;
    final Virtqueue queue;
    final ChainBatch batch;
    final List<String> failures = new ArrayList<>();
    int notifications;

    Rig(int size) {
        this(size, ALL, 0);
    }

    Rig(int size, long features, int base) {
        this(new DriverMemory(MEMORY), size, features, base);
    }

    Rig(DriverMemory memory, int size, long features, int base) {
        this.memory = memory;
        driver = new DriverQueue(memory, size, features, base);
        queue = activate(config(size, features, base, Optional.empty()));
        batch = new ChainBatch(size);
    }

    VirtqueueConfig config(int size, long features, int base, Optional<InflightRegion> inflight) {
        return new VirtqueueConfig(
                0,
                size,
                driver.addresses(),
                base,
                features,
                memory.table(),
                () -> notifications++,
                inflight,
                (failed, cause) -> failures.add(cause));
    }

    static Virtqueue activate(VirtqueueConfig config) {
        try {
            return config.activate();
        } catch (VirtqueueException e) {
            throw new AssertionError(e);
        }
    }

    /** Guest address of some bytes of the guest's memory. */
    long buffer(int bytes) {
        return memory.allocate(bytes, 1);
    }

    int pop() {
        batch.clear();
        return queue.pop(batch, batch.capacity());
    }

    @Override
    public void close() {
        queue.stop();
        memory.close();
    }
}
