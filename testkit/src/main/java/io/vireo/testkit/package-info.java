/**
 * Doubles for the other side of our contracts, shared by the tests of all modules. {@link
 * io.vireo.testkit.DriverMemory} and {@link io.vireo.testkit.DriverQueue} are a guest's memory and
 * its driver; they can break every rule. {@link io.vireo.testkit.PoolReader} gets volumes out of
 * the disks of a pool without any code of ours.
 */
@NullMarked
package io.vireo.testkit;

import org.jspecify.annotations.NullMarked;
