/**
 * The contract of everything that stores blocks: what front ends (virtio-blk, later SCSI and NVMe)
 * submit to, and what back ends and the stages between (pool, snapshot, QoS) implement.
 *
 * <p>Entry point: {@link io.vireo.block.BlockDevice}. A device is shared; each reactor {@link
 * io.vireo.block.BlockDevice#open opens} a {@link io.vireo.block.BlockChannel} of its own and
 * submits preallocated {@link io.vireo.block.BlockRequest}s to it. Offsets and lengths are bytes. A
 * request is completed exactly once. FLUSH covers all channels of the device.
 *
 * <p>Where devices come from: a {@link io.vireo.block.BlockPoolProvider} opens a {@link
 * io.vireo.block.BlockPool}, which makes and opens {@link io.vireo.block.BlockVolume}s.
 */
@NullMarked
package io.vireo.block;

import org.jspecify.annotations.NullMarked;
