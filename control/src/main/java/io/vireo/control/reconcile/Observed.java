package io.vireo.control.reconcile;

import io.vireo.control.Resource;
import io.vireo.resource.Condition;
import io.vireo.resource.Realization;
import io.vireo.resource.Status;
import java.time.Instant;
import java.util.Optional;

/**
 * What the reconciler knows of a resource.
 *
 * @param observedGeneration the generation that is in force, 0 if none is
 * @param ready whether desired state is in force, and why not
 * @param since when {@code ready} changed last
 * @param realization what runs
 * @param stalled the resource as it was when nothing was left to be tried for it by itself
 */
public record Observed(
        long observedGeneration,
        Condition ready,
        Instant since,
        Optional<Realization> realization,
        Optional<Resource> stalled) {
    /** A snapshot of what runs. */
    public Status status() {
        return realization.map(Realization::status).orElse(Status.EMPTY);
    }

    /** Whether nothing is tried for a resource, as it is now, until somebody changes something. */
    public boolean isStalled(Resource resource) {
        return stalled.filter(then ->
                        then.metadata().uid().equals(resource.metadata().uid())
                                && then.metadata().generation() == resource.metadata().generation())
                .isPresent();
    }
}
