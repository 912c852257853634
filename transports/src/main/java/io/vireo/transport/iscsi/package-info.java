/**
 * iSCSI targets (RFC 7143): SCSI targets of {@link io.vireo.scsi} on the network.
 *
 * <p>Entry points: {@link io.vireo.transport.iscsi.IscsiPortalKind} and {@link
 * io.vireo.transport.iscsi.IscsiTargetKind}, the two kinds that an operator declares. A {@code
 * Portal} listens; a {@code TargetNode} is a SCSI target under an iSCSI name at some portals.
 *
 * <p>The life of a connection: accepted and logged in on the control reactor ({@code Login}, {@code
 * LoginMachine}, {@code Negotiator}, {@code ChapExchange}), it becomes a {@code Discovery} that
 * stays there, or is handed over to a data reactor as a {@code Session}: {@code Inbound} takes PDUs
 * off the socket and data to where they belong, {@code Commands} collects what a command needs and
 * gives it to the nexus, {@code IscsiTask} writes its answer, {@code Outbound} sends. Steady state
 * allocates nothing and copies nothing between the socket and the memory of a command, but what
 * comes together with a header.
 *
 * <p>A session has one connection and error recovery level 0: what is beyond repair ends the
 * session, the initiator logs in anew, and the nexus is lost. Everything that waits is bounded:
 * logins in number and time, commands by their window, memory by the pool of the reactor and the
 * share of the session.
 */
@NullMarked
package io.vireo.transport.iscsi;

import org.jspecify.annotations.NullMarked;
