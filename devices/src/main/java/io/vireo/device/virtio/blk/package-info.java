/**
 * The virtio block device (VIRTIO 1.3, 5.2). {@link io.vireo.device.virtio.blk.VirtioBlkDevice} is
 * the device, without any bus or transport; {@link io.vireo.device.virtio.blk.VdiskAttachmentKind}
 * makes one for each vDisk that is plugged into a server and presents it.
 *
 * <p>Each queue is a poller on its reactor with a {@link io.vireo.block.BlockChannel} of its own. A
 * request is checked whole when it is popped; its data goes between the disk and the guest's memory
 * without a copy here. Completions are out of order.
 *
 * <p>Threading: queue methods run on the queue's reactor, configuration on the transport's.
 */
@NullMarked
package io.vireo.device.virtio.blk;

import org.jspecify.annotations.NullMarked;
