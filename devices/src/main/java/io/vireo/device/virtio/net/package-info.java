/**
 * The virtio network card (VIRTIO 1.3, 5.1).
 *
 * <p>{@link io.vireo.device.virtio.net.VirtioNetDevice} is a {@link io.vireo.device.VirtioDevice}
 * towards a driver and a {@link io.vireo.net.NetPort} towards a network. {@code TransmitQueue}
 * takes frames out of a guest, {@code ReceiveQueue} copies them into the buffers of another, {@code
 * QueuePairs} chooses among those that run, {@code NetFeatures} says what may be left to do about a
 * frame by whom. {@link io.vireo.device.virtio.net.VnicKind} makes one of each Vnic resource.
 *
 * <p>All queues belong to the reactor of the network that the card is plugged into. Descriptors,
 * headers and frames lie in memory that the guest changes and truncates at will: each field is read
 * once, and what was taken from a queue is known at any time, so that a fault in the middle of a
 * pass loses nothing.
 */
@NullMarked
package io.vireo.device.virtio.net;

import org.jspecify.annotations.NullMarked;
