/**
 * The contract of everything that carries Ethernet frames.
 *
 * <p>A {@link io.vireo.net.NetPort} (virtual NIC, uplink) is attached to a {@link
 * io.vireo.net.Network} (bridge domain), which polls it: receive a {@link io.vireo.net.FrameBatch},
 * decide, transmit to other ports, flush them, release. Calls go down and return a count; there are
 * no frame objects and no reference counts. Everything runs on the network's reactor.
 */
@NullMarked
package io.vireo.net;

import org.jspecify.annotations.NullMarked;
