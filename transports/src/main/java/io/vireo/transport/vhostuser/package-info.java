/**
 * Presents virtio devices over vhost-user, the back end's side (QEMU, docs/interop/vhost-user.rst,
 * "the specification" in this package).
 *
 * <p>Entry point: {@link io.vireo.transport.vhostuser.VhostUserTransport}, which makes an endpoint
 * for each device. An endpoint listens (or connects, again and again) and has at most one {@code
 * Session}: the conversation with one front end. What each request does is in {@code
 * RequestHandler}. A {@code Connection} turns bytes and descriptors into whole {@code Message}s;
 * {@code Request} says of each message its number, its size, its descriptors and the protocol
 * feature that it needs; {@code MemoryTable} maps the guest's memory; a {@code Vring} collects what
 * the front end tells of a ring until it can start; {@code Signals} are its eventfds.
 *
 * <p>The socket is foreign: no field of any message is believed. A message that breaks a rule gets
 * an error reply where the front end asked for one and otherwise ends the session; it is counted,
 * and logged once for each cause. A ring that breaks a rule ends the session, too: the front end is
 * told by the ring's error eventfd first.
 *
 * <p>Threads: everything but {@code Signals} runs on the control reactor. {@code Signals}, and the
 * moving of queues into and out of devices, run on the reactor that owns the queue. A message that
 * needs those reactors (starting and stopping rings, changing memory under them) holds up the
 * messages behind it until it is done. Memory stays mapped until every queue is drained and every
 * reactor has taken note.
 */
@NullMarked
package io.vireo.transport.vhostuser;

import org.jspecify.annotations.NullMarked;
