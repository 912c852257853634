package io.vireo.resource;

/**
 * Desired state of one kind of resource. Implemented by records only, whose components are
 * annotated with {@link Field}. Component types that bind from JSON: boolean, int, long, String,
 * enum, {@link Quantity}, {@link java.util.Optional}, {@link java.util.OptionalInt}, {@link
 * java.util.List}, {@code Map<String, String>} and further records.
 */
public interface Spec {}
