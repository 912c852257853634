/**
 * TAP interfaces of the host: uplinks of networks, and cards that a network gives to the host.
 *
 * <p>{@link io.vireo.adapter.tap.TapUplink} is the {@link io.vireo.net.NetPort}: frames go straight
 * from and into the memory where they are, several by a system call. {@code TapInterface} opens, makes
 * and deletes the interface in its network namespace. {@link
 * io.vireo.adapter.tap.TapUplinkProvider} serves Uplink resources, {@link
 * io.vireo.adapter.tap.TapHostPortProvider} vNICs of the host. To put the interface into a bridge,
 * or to give it an address, is the operator's business.
 *
 * <p>A port belongs to the reactor of the network that it is plugged into.
 */
@NullMarked
package io.vireo.adapter.tap;

import org.jspecify.annotations.NullMarked;
