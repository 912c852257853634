/**
 * Side-by-side benchmarks against the peers that a user would otherwise take.
 *
 * <p>Entry point is {@link io.vireo.bench.Bench}, which {@code script/bench} starts. A benchmark
 * measures two {@link io.vireo.bench.Side}s of a case alternately, {@link
 * io.vireo.bench.Interleaver} brackets each window by a {@link io.vireo.bench.Probe} of the
 * machine's present speed, and {@link io.vireo.bench.Report} writes {@code
 * target/bench/<name>.json} and a table. Absolute figures drift between machines and hours; the
 * ratio of two neighbouring windows does not.
 *
 * <ul>
 *   <li>{@link io.vireo.bench.NetBench}: two vNICs on one network against DPDK testpmd with two
 *       vhost ports.
 *   <li>{@link io.vireo.bench.BlkBench}: a vDisk against a vhost-user-blk export of
 *       qemu-storage-daemon; {@link io.vireo.bench.GuestBench} has a guest drive both.
 *   <li>{@link io.vireo.bench.QosBench}: rates and shares against what was asked for.
 *   <li>{@link io.vireo.bench.IdleBench}: what a hundred vNICs and a hundred vDisks cost while
 *       nothing happens.
 * </ul>
 *
 * <p>Threading: one main thread drives everything; only the probe and front ends of our own pin
 * threads of their own.
 */
@NullMarked
package io.vireo.bench;

import org.jspecify.annotations.NullMarked;
