/**
 * The virtio SCSI host device (VIRTIO 1.3, 5.6): {@link
 * io.vireo.device.virtio.scsi.VirtioScsiDevice} presents a {@link io.vireo.scsi.ScsiTarget} to one
 * initiator, the driver; {@link io.vireo.device.virtio.scsi.VhbaKind} makes a target of the vDisks
 * of a virtual HBA and presents it.
 *
 * <p>All queues of a device are on one reactor, where its I_T nexus is. A request's data goes
 * between the disk and the guest's memory without a copy here. Completions are out of order.
 *
 * <p>Threading: queue methods run on the device's reactor, configuration on the transport's.
 */
@NullMarked
package io.vireo.device.virtio.scsi;

import org.jspecify.annotations.NullMarked;
