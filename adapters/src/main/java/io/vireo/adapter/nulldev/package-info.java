/**
 * Block devices that hold nothing, for benchmarks: {@link io.vireo.adapter.nulldev.NullBlockDevice}
 * and the pool of them. Every request succeeds at once; a read leaves the client's buffers as they
 * are, so that the price of everything else is measured.
 */
@NullMarked
package io.vireo.adapter.nulldev;

import org.jspecify.annotations.NullMarked;
