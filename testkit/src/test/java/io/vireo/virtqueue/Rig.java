package io.vireo.virtqueue;

import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.PackedDriverQueue;
import io.vireo.testkit.SplitDriverQueue;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** A driver and a device that share a queue. */
final class Rig implements AutoCloseable {
    static final long MEMORY = 16 << 20;

    /** All of a split queue. */
    static final long ALL = Virtqueue.RING_FEATURES & ~(Virtqueue.IN_ORDER | Virtqueue.RING_PACKED);

    /** All of a packed queue. */
    static final long PACKED = ALL | Virtqueue.RING_PACKED;

    final DriverMemory memory;
    final DriverQueue driver;
    final Virtqueue queue;
    final ChainBatch batch;
    final List<String> failures = new ArrayList<>();
    int notifications;

    Rig(int size) {
        this(size, ALL, 0);
    }

    /** A queue that has carried {@code chains} chains of one descriptor. */
    Rig(int size, long features, int chains) {
        this(new DriverMemory(MEMORY), size, features, chains);
    }

    Rig(DriverMemory memory, int size, long features, int chains) {
        this.memory = memory;
        driver = DriverQueue.of(memory, size, features, chains);
        int base = DriverQueue.base(size, features, chains);
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

    SplitDriverQueue split() {
        return (SplitDriverQueue) driver;
    }

    PackedDriverQueue packed() {
        return (PackedDriverQueue) driver;
    }

    /** Makes a chain of one descriptor available, with any head or buffer id. */
    void offer(int head, long address, int length) {
        switch (driver) {
            case SplitDriverQueue split -> {
                if (head < split.size()) {
                    split.descriptor(head, address, length, 0, 0);
                }
                split.offer(head);
            }
            case PackedDriverQueue packed -> packed.offer(address, length, head, 0);
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
