/**
 * What a storage pool looks like on its members: superblocks, map pages, the catalog of volumes and
 * the operations of the journal, as {@code docs/pool-format.md} describes them. Encoding and
 * decoding only: nothing here does I/O. Everything is little-endian, which is the order of every
 * host that we run on, and is checked by a CRC32C that covers what follows it in its block.
 *
 * <p>Entry points: {@link io.vireo.fabric.storage.format.Superblock}, {@link
 * io.vireo.fabric.storage.format.MapPage}, {@link io.vireo.fabric.storage.format.VolumeRecord},
 * {@link io.vireo.fabric.storage.format.PoolOp}.
 */
@NullMarked
package io.vireo.fabric.storage.format;

import org.jspecify.annotations.NullMarked;
