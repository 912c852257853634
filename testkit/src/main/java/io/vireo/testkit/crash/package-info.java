/**
 * Proves that a store on block devices survives the loss of power. {@link
 * io.vireo.testkit.crash.CrashExplorer} runs operations on a {@link
 * io.vireo.testkit.crash.StoreUnderTest} over {@link io.vireo.testkit.crash.SimulatedDisk}s, makes
 * from their {@link io.vireo.testkit.crash.DiskLog} what the disks may hold after a crash at any
 * point, opens the store on that, and asks the {@link io.vireo.testkit.crash.Oracle} whether every
 * sector of every volume may read as it does. {@link io.vireo.testkit.crash.FaultRun} does so while
 * power stays, and disks fail. One thread does all of it on a stepped reactor: a seed replays.
 */
@NullMarked
package io.vireo.testkit.crash;

import org.jspecify.annotations.NullMarked;
