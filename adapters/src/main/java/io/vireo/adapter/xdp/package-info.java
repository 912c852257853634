/**
 * Ethernet interfaces of the host as uplinks of networks, by AF_XDP. {@link
 * io.vireo.adapter.xdp.XdpUplink} is the {@link io.vireo.net.NetPort}: one socket for each receive
 * queue, fed by a program of five instructions that goes when the daemon does.
 */
@NullMarked
package io.vireo.adapter.xdp;

import org.jspecify.annotations.NullMarked;
