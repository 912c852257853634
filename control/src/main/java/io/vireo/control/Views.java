package io.vireo.control;

import io.vireo.control.reconcile.Observed;
import io.vireo.control.reconcile.Reconciler;
import io.vireo.resource.Condition;
import io.vireo.resource.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Shows resources with what is known of them.
 *
 * @param image desired state at the moment that is shown
 */
record Views(KindRegistry kinds, Image image, Reconciler reconciler) {
    private static final Condition PENDING =
            new Condition(Condition.READY, false, "Pending", "waits for the reconciler");

    /**
     * Whether a resource is ready.
     *
     * @param stalled whether it is not, and nothing will be tried by itself
     */
    private record Readiness(Condition condition, boolean stalled) {}

    /**
     * A resource as it is now.
     *
     * @param wide whether all cells of the kind's table are wanted
     */
    View of(Resource resource, boolean wide) {
        // Before what is known: that is noted as tried again before it counts as asked for no more.
        boolean asked = reconciler.isAsked(resource);
        Optional<Observed> observed = reconciler.observed(resource.reference());
        Status status = observed.map(Observed::status).orElse(Status.EMPTY);
        Readiness readiness = readiness(resource, observed, status, asked);
        List<Condition> conditions = new ArrayList<>();
        conditions.add(readiness.condition());
        status.conditions().stream()
                .filter(each -> !each.type().equals(Condition.READY))
                .forEach(conditions::add);
        return new View(
                resource,
                observed.map(Observed::observedGeneration).orElse(0L),
                conditions,
                observed.map(Observed::since).orElse(resource.metadata().updatedAt()),
                readiness.stalled(),
                status.attributes(),
                status.metrics(),
                kinds.byKind(resource.kind()).cells(resource.spec(), status, wide));
    }

    /** The reconciler's word, lowered by what the resource says of itself and by what it owns. */
    private Readiness readiness(
            Resource resource, Optional<Observed> observed, Status status, boolean asked) {
        Condition known = observed.map(Observed::ready).orElse(PENDING);
        if (!known.met()) {
            return new Readiness(
                    known, !asked && observed.filter(each -> each.isStalled(resource)).isPresent());
        }
        for (Condition own : status.conditions()) {
            if (own.type().equals(Condition.READY) && !own.met()) {
                return new Readiness(own, false);
            }
        }
        return parts(resource, known);
    }

    private Readiness parts(Resource owner, Condition known) {
        Readiness worst = new Readiness(known, false);
        for (Resource part : image.owned(owner.reference())) {
            View view = of(part, false);
            if (view.ready() || (!worst.condition().met() && !view.stalled())) {
                continue;
            }
            String message = part.reference() + ": " + view.conditions().getFirst().message();
            worst =
                    new Readiness(
                            new Condition(Condition.READY, false, "PartNotReady", message),
                            view.stalled());
            if (view.stalled()) {
                break;
            }
        }
        return worst;
    }
}
