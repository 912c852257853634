/**
 * Moving a vDisk to another pool, or to another allocation, while servers use it.
 *
 * <ul>
 *   <li>{@link io.vireo.fabric.storage.move.MoveDevice}: what is under a vDisk while it is moved.
 *       It hands requests on to where the vDisk is, notes what they change, copies, and at the end
 *       holds them for a moment.
 *   <li>{@link io.vireo.fabric.storage.move.HopDevice}: a device that is served by one reactor, for
 *       front ends on others: pools have reactors of their own.
 *   <li>{@link io.vireo.fabric.storage.move.SnapshotCopies}: has snapshots go along.
 *   <li>{@link io.vireo.fabric.storage.move.Relocation}: has a vDisk where it is to be: makes the
 *       target, attempts to get there until it succeeds, and deletes the source. {@link
 *       io.vireo.fabric.storage.move.Attempt} is one of them: it has the target filled, and
 *       switches, or takes everything back.
 *   <li>{@link io.vireo.fabric.storage.move.Whereabouts}: the durable record of where a vDisk is.
 * </ul>
 *
 * <p>The source is authoritative until the target gets the vDisk's name, which is one durable step
 * of the target's pool, taken while no request is under way and everything is copied and flushed.
 *
 * <p>Threading: devices and channels as the contract of {@link io.vireo.block.BlockDevice} says; a
 * relocation has a thread, which may wait.
 */
@NullMarked
package io.vireo.fabric.storage.move;

import org.jspecify.annotations.NullMarked;
