/**
 * What snooping knows of multicasts (RFC 4541): who wants which group ({@link
 * io.vireo.fabric.l2.multicast.GroupTable}), how to read it from IGMP and MLD ({@link
 * io.vireo.fabric.l2.multicast.GroupMessages}), and when and how to ask for it ({@link
 * io.vireo.fabric.l2.multicast.Querier}). One thread: the reactor of the bridge.
 */
@NullMarked
package io.vireo.fabric.l2.multicast;

import org.jspecify.annotations.NullMarked;
