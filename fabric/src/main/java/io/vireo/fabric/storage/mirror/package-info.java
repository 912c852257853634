/**
 * Mirrors: a member of a pool that is kept on two or three disks, its legs. {@link
 * io.vireo.fabric.storage.mirror.MirrorDevice} is a block device like any other, so that the pool
 * above it, its journal, maps and superblocks included, knows nothing of copies.
 *
 * <p>{@link io.vireo.fabric.storage.mirror.MirrorChannel} has changes carried out on all legs, and
 * {@link io.vireo.fabric.storage.mirror.MirrorReads} reads on one. Three orders carry the safety of
 * it:
 *
 * <ol>
 *   <li><b>Intent before data.</b> Before anything is written to a region, its bit is durable on
 *       all legs ({@link io.vireo.fabric.storage.mirror.IntentLog}). Bits are taken back long after
 *       the last write, when a flush of all legs covers it. So after a crash legs differ only where
 *       bits are, and there nothing is read before it has been made equal ({@link
 *       io.vireo.fabric.storage.mirror.Copier}).
 *   <li><b>Record before acknowledgement.</b> A change that a leg does not have is acknowledged
 *       when the headers of the others say durably that this leg is out of date ({@link
 *       io.vireo.fabric.storage.mirror.LegRecorder}). So a copy that is out of date is never read.
 *   <li><b>All before in sync.</b> A leg that comes back gets what it lacks, then a flush, and only
 *       then do the headers call it in sync ({@link io.vireo.fabric.storage.mirror.Resync}).
 * </ol>
 *
 * <p>Changes of the same bytes are carried out one after the other, so that all legs end with the
 * same.
 *
 * <p>What is copied between legs is what the pool takes for right, where it knows ({@link
 * io.vireo.fabric.storage.mirror.CopyCheck}).
 *
 * <p>All of it is of the pool's home reactor.
 */
@NullMarked
package io.vireo.fabric.storage.mirror;

import org.jspecify.annotations.NullMarked;
