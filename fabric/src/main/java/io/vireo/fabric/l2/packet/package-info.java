/**
 * What a switch reads of a frame beyond its Ethernet header. {@link
 * io.vireo.fabric.l2.packet.Headers} finds the IP headers in a snapshot; it is used again for each
 * frame and allocates nothing.
 */
@NullMarked
package io.vireo.fabric.l2.packet;

import org.jspecify.annotations.NullMarked;
