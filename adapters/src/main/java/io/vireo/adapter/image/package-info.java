/**
 * Image files of the host, for import and export of vDisks: {@link
 * io.vireo.adapter.image.ImageFiles} opens and makes them below one directory, in the formats raw
 * and qcow2 (QEMU, docs/interop/qcow2.rst). Everything blocks, and is for threads of jobs.
 *
 * <p>A qcow2 file that comes from outside is hostile: {@link io.vireo.adapter.image.Qcow2Header}
 * and {@link io.vireo.adapter.image.Qcow2Reader} check each offset and size against the file before
 * they use it, and refuse whatever would make them read another file.
 */
@NullMarked
package io.vireo.adapter.image;

import org.jspecify.annotations.NullMarked;
