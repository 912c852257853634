package io.vireo.virtqueue;

import io.vireo.memory.GuestMemory;
import java.util.Optional;

/**
 * What a transport learns of a queue before it runs.
 *
 * @param index of the queue in its device
 * @param size entries, a power of 2, 1 to 32768 (VIRTIO 1.3, 2.7)
 * @param addresses where the rings are
 * @param base index of the available ring to go on from, 0 to 65535; what {@link
 *     Virtqueue#lastAvailableIndex} said when it stopped. With an in-flight region, the region and
 *     the used ring say it and this is ignored
 * @param features all bits that were negotiated, ring, transport and device
 * @param memory the regions that addresses and descriptors refer to
 * @param notifier who sends used buffer notifications
 * @param inflight where in-flight heads are recorded to survive this process
 * @param failures whom to tell when the driver breaks a rule
 */
public record VirtqueueConfig(
        int index,
        int size,
        RingAddresses addresses,
        int base,
        long features,
        GuestMemory memory,
        Notifier notifier,
        Optional<InflightRegion> inflight,
        FailureListener failures) {

    /** Entries of a split queue at most (VIRTIO 1.3, 2.7). */
    public static final int MAX_SIZE = 32768;

    /**
     * The parts of a queue (VIRTIO 1.3, 2.6), each contiguous, by user address.
     *
     * @param descriptors descriptor area, aligned to 16
     * @param available driver area, aligned to 2
     * @param used device area, aligned to 4
     */
    public record RingAddresses(long descriptors, long available, long used) {}

    /**
     * Makes the queue that runs; what was in flight when the last process died comes first.
     *
     * @throws VirtqueueException if size, base, alignment or a range is wrong, rings overlap, or
     *     the in-flight region is not what we left in it
     */
    public Virtqueue activate() throws VirtqueueException {
        if (size < 1 || size > MAX_SIZE || Integer.bitCount(size) != 1) {
            throw new VirtqueueException(
                    "queue size " + size + " is not a power of 2 from 1 to " + MAX_SIZE);
        }
        if (base < 0 || base > 0xFFFF) {
            throw new VirtqueueException("available index " + base + " does not fit 16 bits");
        }
        return new SplitVirtqueue(this);
    }
}
