package io.vireo.control.plan;

import io.vireo.resource.Reference;
import io.vireo.resource.Spec;
import java.util.Optional;
import java.util.Set;

/**
 * A resource that runs.
 *
 * @param uid the incarnation that was started
 * @param spec the spec in force
 * @param references what it uses
 * @param doom why it is being stopped, or must be because its kind cannot change it while it runs
 */
public record Running(String uid, Spec spec, Set<Reference> references, Optional<String> doom) {
    public Running {
        references = Set.copyOf(references);
    }
}
