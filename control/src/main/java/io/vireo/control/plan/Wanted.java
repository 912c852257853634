package io.vireo.control.plan;

import io.vireo.resource.Reference;
import io.vireo.resource.Spec;
import java.util.Set;

/**
 * A resource that should run.
 *
 * @param uid its incarnation
 * @param references what it needs running
 */
public record Wanted(String uid, Spec spec, Set<Reference> references) {
    public Wanted {
        references = Set.copyOf(references);
    }
}
