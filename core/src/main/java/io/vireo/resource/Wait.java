package io.vireo.resource;

import java.time.Duration;

/**
 * What a job waits for before it goes on, where that has an end.
 *
 * @param reason one word in CamelCase for programs
 * @param message one sentence for people: for whom or what it waits, and what comes then
 * @param left how long yet, at most
 */
public record Wait(String reason, String message, Duration left) {}
