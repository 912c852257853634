/**
 * Block devices in the daemon's memory, which end with it: {@link
 * io.vireo.adapter.ram.RamBlockDevice} and the pool of them. Every request is carried out at once,
 * by copying.
 */
@NullMarked
package io.vireo.adapter.ram;

import org.jspecify.annotations.NullMarked;
