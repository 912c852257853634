package io.vireo.resource;

/**
 * One rule that a resource breaks.
 *
 * @param pointer where, as a JSON pointer (RFC 6901) from the root of the resource: {@code
 *     /spec/vnics/0/mac}
 * @param message what is wrong and what would be right
 */
public record Violation(String pointer, String message) {}
