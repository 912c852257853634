/**
 * Networks inside the host: learning VLAN-aware switches.
 *
 * <p>{@link io.vireo.fabric.l2.L2Switch} is the {@link io.vireo.net.Network} that ports are plugged
 * into. It gives a reactor to a {@code Bridge}, which forwards: {@code Classifier} finds the VLAN
 * of a frame, {@code VlanMembership} says which VLANs a port carries, {@code MacTable} where a
 * station is, {@code Relay} by which ports a frame leaves; {@code BridgePort} holds the frames that
 * leave by a port and counts, and {@code Departures} sends them. What else is done with the frames
 * of a port, in and out, is a {@code PortStage} of it. {@link io.vireo.fabric.l2.NetworkKind} makes
 * one of each Network resource.
 *
 * <p>{@code SwitchQos} gives ports their {@link io.vireo.net.QosPolicy}: {@code PortQos} says when
 * frames may be taken from one, and has the stages that charge or drop; the arithmetic is in {@link
 * io.vireo.fabric.l2.qos}.
 *
 * <p>Everything in a bridge runs on its one reactor; only counters are read by other threads.
 */
@NullMarked
package io.vireo.fabric.l2;

import org.jspecify.annotations.NullMarked;
