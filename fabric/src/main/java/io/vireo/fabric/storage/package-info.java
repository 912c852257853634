/**
 * Storage pools and virtual disks as resources. {@link io.vireo.fabric.storage.PoolKind} opens a
 * {@link io.vireo.block.BlockPool} by the {@link io.vireo.block.BlockPoolProvider} of its type;
 * {@link io.vireo.fabric.storage.VdiskKind} makes and opens a volume in it and offers its block
 * device to whatever attaches it.
 *
 * <p>Threading: the reconciler's thread, except for status.
 */
@NullMarked
package io.vireo.fabric.storage;

import org.jspecify.annotations.NullMarked;
