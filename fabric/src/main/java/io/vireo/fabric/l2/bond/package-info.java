/**
 * Several uplinks as one port.
 *
 * <p>{@link io.vireo.fabric.l2.bond.Bond} is the {@link io.vireo.net.NetPort} that a network sees.
 * A {@code MemberPolicy} says which members frames may come from and leave by: {@code ActiveBackup}
 * uses one at a time, {@code LacpPolicy} those that a partner agrees to, with a {@code LacpMachine}
 * for each (IEEE 802.1AX, clause 6) that speaks in {@code LacpPdu}s. {@code FlowHash} keeps the
 * frames of a flow on one member.
 *
 * <p>Everything runs on the reactor of the network; only what status shows is read by other
 * threads.
 */
@NullMarked
package io.vireo.fabric.l2.bond;

import org.jspecify.annotations.NullMarked;
