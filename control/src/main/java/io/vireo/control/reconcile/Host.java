package io.vireo.control.reconcile;

import io.vireo.control.Resource;
import io.vireo.control.event.Event;
import io.vireo.resource.Reference;
import io.vireo.resource.Spec;
import java.util.Collection;

/** What the reconciler needs of the control plane. Called on the reconciler's thread. */
public interface Host {
    /** The latest desired state. */
    Desired desired();

    /** Whether this incarnation was realized before. */
    boolean provisioned(Resource resource);

    /** Notes durably that this incarnation was realized. */
    void markProvisioned(Resource resource);

    /** Removes a resource for good: it has stopped and was destroyed. */
    void remove(Resource resource);

    /** The specs of all that runs, after something has changed, and once at the start. */
    void stillRunning(Collection<Spec> specs);

    /** Tells watchers. */
    void event(Event.Type type, Reference subject, String reason, String message);
}
