/**
 * Quality of service of a {@link io.vireo.fabric.l2 switch}: meters that drop, shapers that let
 * wait, and the shares of an uplink. Plain arithmetic in whole numbers: no clock, no thread, no
 * frames but {@link io.vireo.fabric.l2.qos.WireSize}; each object belongs to the reactor of its
 * switch, which says what time it is.
 *
 * <ul>
 *   <li>{@link io.vireo.fabric.l2.qos.TokenBucket}: a rate with a burst, exact to the bit for ever.
 *   <li>{@link io.vireo.fabric.l2.qos.Meter}: two rates, three colours (RFC 2698), for what is
 *       dropped.
 *   <li>{@link io.vireo.fabric.l2.qos.Shaper}: when the next frames may be taken from a port whose
 *       frames wait where they are.
 *   <li>{@link io.vireo.fabric.l2.qos.UplinkScheduler}: whose turn it is when all want to use an
 *       uplink: shares, reservations, limits.
 *   <li>{@link io.vireo.fabric.l2.qos.QosPolicyKind}: the resource.
 * </ul>
 *
 * <p>Nothing here holds a frame: docs/decisions/0008-qos-without-queues.md says why.
 */
@NullMarked
package io.vireo.fabric.l2.qos;

import org.jspecify.annotations.NullMarked;
