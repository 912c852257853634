/**
 * File I/O by io_uring(7): {@link io.vireo.adapter.uring.UringIo} is the engine of one reactor that
 * the channels of {@code io.vireo.adapter.file} drive. All images of a reactor share its ring, so
 * an idle disk costs nothing here. {@link io.vireo.adapter.uring.CallBatch} makes many calls
 * that never wait by one, for interfaces that have a call for each frame.
 */
@NullMarked
package io.vireo.adapter.uring;

import org.jspecify.annotations.NullMarked;
