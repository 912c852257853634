package io.vireo.control;

/**
 * What came of declaring one resource.
 *
 * @param resource as it is stored now
 */
public record Applied(Resource resource, Outcome outcome) {
    /** What happened to it. */
    public enum Outcome {
        CREATED,
        CHANGED,
        UNCHANGED
    }
}
