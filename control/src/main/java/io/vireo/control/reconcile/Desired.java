package io.vireo.control.reconcile;

import io.vireo.control.Resource;
import io.vireo.resource.Reference;
import java.util.Map;
import java.util.Set;

/**
 * Desired state at one moment. Immutable.
 *
 * @param run what should run
 * @param remove what should be stopped, destroyed and forgotten; nothing in {@code run} refers to
 *     it
 * @param references what each resource of {@code run} needs running
 */
public record Desired(
        Map<Reference, Resource> run,
        Map<Reference, Resource> remove,
        Map<Reference, Set<Reference>> references) {
    /** Nothing. */
    public static final Desired NOTHING = new Desired(Map.of(), Map.of(), Map.of());
}
