package io.vireo.reactor;

/**
 * What a reactor is started with.
 *
 * @param name of its thread, for logs and metrics
 * @param cpu the CPU it is pinned to; negative: not pinned
 * @param pollMode how long it polls without work
 */
public record ReactorConfig(String name, int cpu, PollMode pollMode) {}
