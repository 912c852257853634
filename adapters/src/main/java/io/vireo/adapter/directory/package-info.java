/**
 * Pools that keep each volume as a sparse raw file {@code <volume>.raw} in one directory: {@link
 * io.vireo.adapter.directory.DirectoryPool}. Names cannot leave the directory, files are locked
 * while they are in use, and what is reported as made is durable.
 *
 * <p>{@link io.vireo.adapter.directory.RawDisks} opens block devices and files that are members of
 * pools with a format of their own.
 */
@NullMarked
package io.vireo.adapter.directory;

import org.jspecify.annotations.NullMarked;
