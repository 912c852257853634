package io.vireo.virtqueue;

import io.vireo.memory.GuestMemory;
import java.util.Optional;

/**
 * What a transport learns of a queue before it runs.
 *
 * @param index of the queue in its device
 * @param size entries, 1 to 32768; of a split queue a power of 2 (VIRTIO 1.3, 2.7 and 2.8)
 * @param addresses where the rings are
 * @param base where to go on, what {@link Virtqueue#base} said when it stopped (vhost-user.rst,
 *     "Vring descriptor indices"). Of a split queue the index of the available ring, 0 to 65535. Of
 *     a packed queue the position of the next available descriptor in bits 0 to 14 and its wrap
 *     counter in bit 15, and the same of the next used one in bits 16 to 31, which are ignored: a
 *     queue that has stopped has used all that it took, and some front ends leave them 0. With an
 *     in-flight region, the region and the ring say it and this is ignored
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

    /** Entries of a queue at most (VIRTIO 1.3, 2.7 and 2.8). */
    public static final int MAX_SIZE = 32768;

    /**
     * The parts of a queue (VIRTIO 1.3, 2.6), each contiguous, by user address.
     *
     * @param descriptors descriptor area, aligned to 16
     * @param available driver area, aligned to 2, of a packed queue to 4
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
        if (!isSize(size, isPacked())) {
            throw new VirtqueueException(
                    "queue size "
                            + size
                            + (isPacked()
                                    ? " is not from 1 to "
                                    : " is not a power of 2 from 1 to ")
                            + MAX_SIZE);
        }
        return isPacked() ? new PackedVirtqueue(this) : new SplitVirtqueue(this);
    }

    private boolean isPacked() {
        return (features & Virtqueue.RING_PACKED) != 0;
    }

    /** Whether a queue can have that many entries. */
    public static boolean isSize(int entries, boolean packed) {
        return entries >= 1 && entries <= MAX_SIZE && (packed || Integer.bitCount(entries) == 1);
    }
}
