/**
 * Import and export of vDisks: copies between image files of the host and block devices.
 *
 * <ul>
 *   <li>{@link io.vireo.fabric.storage.transfer.Transfer}: a copy on a thread of its own, which
 *       tries again until it succeeds or is stopped, and says how far it is.
 *   <li>{@link io.vireo.fabric.storage.transfer.BlockPipe}: how that thread reads and writes a
 *       block device: one request at a time, carried out by a reactor, which never waits.
 *   <li>{@link io.vireo.fabric.storage.transfer.ImportWork}, {@link
 *       io.vireo.fabric.storage.transfer.ExportWork}: one attempt.
 *   <li>{@link io.vireo.fabric.storage.transfer.VdiskExportKind}: the resource of an export; an
 *       import is the {@code source} of a Vdisk.
 * </ul>
 */
@NullMarked
package io.vireo.fabric.storage.transfer;

import org.jspecify.annotations.NullMarked;
