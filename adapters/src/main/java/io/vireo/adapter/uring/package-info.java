/**
 * File I/O by io_uring(7): {@link io.vireo.adapter.uring.UringIo} is the engine of one reactor that
 * the channels of {@code io.vireo.adapter.file} drive. All images of a reactor share its ring, so
 * an idle disk costs nothing here.
 */
@NullMarked
package io.vireo.adapter.uring;

import org.jspecify.annotations.NullMarked;
