package io.vireo.control.event;

import io.vireo.resource.Reference;
import java.time.Instant;

/**
 * Something that happened to a resource.
 *
 * @param sequence counts up from 1 in this process
 * @param type what changed
 * @param subject the resource
 * @param reason one word in CamelCase
 * @param message one sentence
 */
public record Event(
        long sequence, Instant time, Type type, Reference subject, String reason, String message) {
    /** What changed. */
    public enum Type {
        /** Desired state appeared. */
        ADDED,
        /** Desired state changed. */
        MODIFIED,
        /** Desired state and everything it ran are gone. */
        DELETED,
        /** What runs has changed. */
        STATUS
    }
}
