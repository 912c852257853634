/**
 * The maps of all volumes in memory: radix trees of pages of 512 entries that share what they have
 * in common. To copy a tree means to count one more user of its root; whoever changes a page with
 * several users changes a copy of it. So a snapshot costs nothing, and a read of a volume with a
 * thousand snapshots takes the same few steps as one without.
 *
 * <p>Pages are off-heap, {@link io.vireo.fabric.storage.map.PageStore} holds them, {@link
 * io.vireo.fabric.storage.map.MapTree} knows what is in them. One thread.
 */
@NullMarked
package io.vireo.fabric.storage.map;

import org.jspecify.annotations.NullMarked;
