/**
 * The engine of storage pools: thin volumes, snapshots and clones on the chunks of one or more
 * member devices, safe against loss of power at any instant.
 *
 * <p>Entry point: {@link io.vireo.fabric.storage.pool.StoragePool} creates and opens pools and
 * makes volumes, each of which is a {@link io.vireo.block.BlockDevice}. A pool lives on one
 * reactor, its home: every submission, completion and change of a map happens there, so that there
 * is nothing to lock. The calls of {@code StoragePool} are made from other threads and wait for the
 * home.
 *
 * <p>Data is written in place where a chunk belongs to one volume alone; else to a fresh chunk, and
 * the map follows when the data is on the device. {@link io.vireo.fabric.storage.pool.DataPath}
 * does that. {@link io.vireo.fabric.storage.pool.Committer} makes it durable: members first, then
 * the journal. {@link io.vireo.fabric.storage.pool.Checkpointer} writes changed map pages to fresh
 * places, so that the journal can begin anew. {@link io.vireo.fabric.storage.pool.ChunkSpace} knows
 * which chunks are free, {@link io.vireo.fabric.storage.pool.Cleaner} zeroes them before they are
 * used again. The order in which they act is what the safety rests on: {@code docs/pools.md}.
 *
 * <p>{@link io.vireo.fabric.storage.pool.Engine} is what these have in common, and has them take
 * their turns. {@link io.vireo.fabric.storage.pool.VolumeTable} is what the pool holds, {@link
 * io.vireo.fabric.storage.pool.Reservations} what of its room is spoken for, {@link
 * io.vireo.fabric.storage.pool.Membership} how its members change, and {@link
 * io.vireo.fabric.storage.pool.Health} whether it takes changes at all.
 *
 * <p>Whether another host has the pool {@link io.vireo.fabric.storage.pool.OwnerWatch} looks while
 * it is open, and {@link io.vireo.fabric.storage.pool.OwnerChallenge} asks before.
 */
@NullMarked
package io.vireo.fabric.storage.pool;

import org.jspecify.annotations.NullMarked;
