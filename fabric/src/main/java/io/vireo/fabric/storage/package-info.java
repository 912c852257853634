/**
 * Storage pools and virtual disks as resources. {@link io.vireo.fabric.storage.PoolKind} opens a
 * {@link io.vireo.block.BlockPool} by the {@link io.vireo.block.BlockPoolProvider} of its type;
 * {@link io.vireo.fabric.storage.VdiskKind} makes and opens a volume in it and offers its block
 * device to whatever attaches it.
 *
 * <p>A pool of type disks is a {@link io.vireo.fabric.storage.DisksPool}: {@link
 * io.vireo.fabric.storage.DisksCatalog} knows what is in it by the names that people gave, {@link
 * io.vireo.fabric.storage.DisksVolumes} and {@link io.vireo.fabric.storage.DisksSnapshots} change
 * that, {@link io.vireo.fabric.storage.PoolDisks} is what it is on, and {@link
 * io.vireo.fabric.storage.PoolView} what it shows without waiting.
 *
 * <p>Threading: the reconciler's thread, except for status.
 */
@NullMarked
package io.vireo.fabric.storage;

import org.jspecify.annotations.NullMarked;
