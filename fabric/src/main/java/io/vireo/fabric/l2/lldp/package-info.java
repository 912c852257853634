/**
 * The Link Layer Discovery Protocol (IEEE 802.1AB-2016) on uplinks: neighbors are told what they
 * are connected to, and are listened to.
 *
 * <p>{@link io.vireo.fabric.l2.lldp.LldpUplink} stands between an uplink and its network or bond,
 * takes a look at what arrives, and sends. An {@code LldpAgent} is the protocol, without ports and
 * clocks: when to send, and who the neighbors are. {@code LldpduWriter} makes frames of a {@code
 * LocalSystem}, {@code LldpduReader} a {@code Neighbor} of a frame.
 *
 * <p>Everything runs on the reactor of the network; only what status shows is read by other
 * threads.
 */
@NullMarked
package io.vireo.fabric.l2.lldp;

import org.jspecify.annotations.NullMarked;
