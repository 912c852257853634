/**
 * What uplinks of different types have in common: work inside a network namespace ({@link
 * io.vireo.adapter.link.HostInterface}), the state of an interface ({@link
 * io.vireo.adapter.link.LinkMonitor}), frames as iovecs ({@link
 * io.vireo.adapter.link.FrameVectors}), many calls by one ({@link
 * io.vireo.adapter.link.CallBatch}), and what the network sees of them ({@link
 * io.vireo.adapter.link.InterfacePort}, {@link io.vireo.adapter.link.InterfaceUplink}).
 */
@NullMarked
package io.vireo.adapter.link;

import org.jspecify.annotations.NullMarked;
