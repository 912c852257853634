/**
 * Virtqueues, the device's side (VIRTIO 1.3, 2.6 to 2.8). {@link
 * io.vireo.virtqueue.VirtqueueConfig} is what a transport learns of a queue; {@code activate()}
 * makes the {@link io.vireo.virtqueue.Virtqueue} that runs. Chains are validated whole, once, when
 * they are popped; what is popped is native address ranges. One reactor owns a queue.
 *
 * <p>Acquire, release and full fences live here and in {@link io.vireo.reactor}, nowhere else.
 */
@NullMarked
package io.vireo.virtqueue;

import org.jspecify.annotations.NullMarked;
