/**
 * Memory of guests, by address.
 *
 * <p>{@link io.vireo.memory.GuestMemory} translates what a guest calls an address, once, with a
 * check of the whole range; after that the data path carries native addresses, in a {@link
 * io.vireo.memory.ScatterGatherList} or in the arrays of a batch, and touches them only through
 * {@link io.vireo.linux.ForeignMemory}. Guests may change, truncate or unmap their memory at any
 * time: whatever is checked is copied first.
 */
@NullMarked
package io.vireo.memory;

import org.jspecify.annotations.NullMarked;
