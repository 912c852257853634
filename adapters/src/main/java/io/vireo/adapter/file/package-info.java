/**
 * Raw image files as block devices.
 *
 * <p>{@link io.vireo.adapter.file.ImageFile} is an image that is open and locked; {@link
 * io.vireo.adapter.file.ImageDevice} the block device on it. Its channels carry out what a {@link
 * io.vireo.block.BlockRequest} asks for as a sequence of {@link io.vireo.adapter.file.HostOp}s:
 * they finish short I/O, fill with zeroes past the end of the file, copy what is misaligned for
 * O_DIRECT, group flushes and map errors. How an operation reaches the kernel is a {@link
 * io.vireo.adapter.file.HostIo}: system calls on a few threads here ({@link
 * io.vireo.adapter.file.ThreadIo}), io_uring in {@code io.vireo.adapter.uring}.
 *
 * <p>Threading: a channel and its engine belong to one reactor. Data goes between the kernel and
 * the guest's memory directly; our own code touches that memory only in {@link
 * io.vireo.block.BlockChannel#poll}, only for what is misaligned or past the end of the file.
 *
 * <p>A file that failed to flush has lost data that was acknowledged, and the kernel reports it
 * once: the image fails every write and flush from then on, until it is opened anew.
 */
@NullMarked
package io.vireo.adapter.file;

import org.jspecify.annotations.NullMarked;
