/**
 * Ethernet interfaces of the host as uplinks of networks, by packet sockets: works with every
 * driver. {@link io.vireo.adapter.packet.PacketUplink} is the {@link io.vireo.net.NetPort}.
 */
@NullMarked
package io.vireo.adapter.packet;

import org.jspecify.annotations.NullMarked;
