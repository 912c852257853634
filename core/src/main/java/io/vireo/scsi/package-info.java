/**
 * The contract between SCSI transports (virtio-scsi, iSCSI) and the SCSI command set: what SAM-5
 * calls the Execute Command and Task Management procedure calls, without any transport.
 *
 * <p>Entry point: {@link io.vireo.scsi.ScsiTarget}. For each initiator port that logs in, a
 * transport {@link io.vireo.scsi.ScsiTarget#open opens} an I_T nexus on the reactor that serves the
 * initiator, submits preallocated {@link io.vireo.scsi.ScsiTask}s to it and is told of each end.
 * The transport has collected all of the Data-Out before it submits a task, and sends the Data-In
 * after it has ended: no command is half transferred.
 *
 * <p>Threading: a nexus is used on its reactor, and all of its callbacks run there. Logical units
 * have one owner reactor each; tasks of nexuses on other reactors cross over and back inside the
 * implementation. A transport that puts a nexus on {@link io.vireo.scsi.ScsiTarget#home} saves
 * that.
 */
@NullMarked
package io.vireo.scsi;

import org.jspecify.annotations.NullMarked;
