/**
 * Quality of service of vDisks: rates of each, and the shares of a pool. What is beyond its rate or
 * out of its turn waits, and nothing ever fails because of it.
 *
 * <ul>
 *   <li>{@link io.vireo.fabric.storage.qos.QosDevice}: the stage between front end and back end;
 *       its channels hold the requests that wait, as many as the back end would take and no more.
 *   <li>{@link io.vireo.fabric.storage.qos.SharedRate}: a rate with a burst that all channels of a
 *       vDisk use, on whatever reactors.
 *   <li>{@link io.vireo.fabric.storage.qos.UserRates}: the rates of a policy for somebody who is no
 *       vDisk: a vHBA; {@link io.vireo.fabric.storage.qos.Commitment}: what a pool has promised to
 *       him, and {@link io.vireo.fabric.storage.qos.Flows}: the lines in which his requests wait.
 *   <li>{@link io.vireo.fabric.storage.qos.Lane}: whose turn it is among the vDisks of a pool that
 *       one reactor serves: reservations of both first, then by shares.
 *   <li>{@link io.vireo.fabric.storage.qos.PoolQos}: a pool's policy, what is reserved of it, and
 *       its lanes.
 *   <li>{@link io.vireo.fabric.storage.qos.DiskQosPolicyKind}: the resource.
 * </ul>
 *
 * <p>Settings are read by reactors as they are, without a message: a change is in force with the
 * next request. Lanes, flows and channels belong to their reactor; {@code PoolQos} and {@code
 * VdiskQos} are for any thread. docs/decisions/0020-block-qos.md says why it is built so.
 */
@NullMarked
package io.vireo.fabric.storage.qos;

import org.jspecify.annotations.NullMarked;
