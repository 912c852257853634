/**
 * What a switch reads of a frame beyond its Ethernet header, and the frames that it sends itself.
 * {@link io.vireo.fabric.l2.packet.Headers} finds the IP headers in a snapshot; it is used again
 * for each frame and allocates nothing. {@link io.vireo.fabric.l2.packet.OwnFrame} is how protocols
 * that end here, LACP and LLDP, are spoken.
 */
@NullMarked
package io.vireo.fabric.l2.packet;

import org.jspecify.annotations.NullMarked;
