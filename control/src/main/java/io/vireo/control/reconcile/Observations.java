package io.vireo.control.reconcile;

import io.vireo.control.Resource;
import io.vireo.control.event.Event;
import io.vireo.resource.Condition;
import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * What is known of each resource, and who is told when it changes. Of the reconciler's thread where
 * nothing else is said.
 */
final class Observations {
    private final Host host;
    private final InstantSource clock;
    private final Map<Reference, Observed> observed = new ConcurrentHashMap<>();
    private final Set<Reference> changed = ConcurrentHashMap.newKeySet();
    private final Map<Reference, List<Condition>> lastConditions = new HashMap<>();

    Observations(Host host, InstantSource clock) {
        this.host = host;
        this.clock = clock;
    }

    /** What is known of a resource. Any thread. */
    Optional<Observed> of(Reference reference) {
        return Optional.ofNullable(observed.get(reference));
    }

    /**
     * Notes what a resource is like.
     *
     * @param generation of its spec that this is about; 0: as before
     * @param stalled the resource, if nothing is tried for it by itself
     */
    void note(
            Reference target,
            long generation,
            Condition ready,
            Optional<Realization> realization,
            Optional<Resource> stalled) {
        Observed before = observed.get(target);
        boolean same = before != null && before.ready().equals(ready);
        boolean flipped = before == null || before.ready().met() != ready.met();
        Instant since = before != null && !flipped ? before.since() : clock.instant();
        long shown = generation == 0 && before != null ? before.observedGeneration() : generation;
        observed.put(target, new Observed(shown, ready, since, realization, stalled));
        if (!same) {
            host.event(Event.Type.STATUS, target, ready.reason(), ready.message());
        }
    }

    /** Something is to be tried for a resource again. */
    void resume(Reference target) {
        observed.computeIfPresent(
                target,
                (_, now) ->
                        new Observed(
                                now.observedGeneration(),
                                now.ready(),
                                now.since(),
                                now.realization(),
                                Optional.empty()));
    }

    /** The conditions of a resource may have changed by themselves. Any thread. */
    void changed(Reference target) {
        changed.add(target);
    }

    /**
     * Tells watchers of conditions that changed by themselves: of another reason, and of other news
     * of what is wrong. How well things are may be said in other words without being told.
     *
     * @param running the realization of what runs
     */
    void publishChanged(Function<Reference, Optional<Realization>> running) {
        for (Reference target : Set.copyOf(changed)) {
            changed.remove(target);
            running.apply(target).ifPresent(realization -> publish(target, realization));
        }
    }

    private void publish(Reference target, Realization realization) {
        List<Condition> now = realization.status().conditions();
        List<Condition> before = lastConditions.put(target, now);
        for (Condition condition : now) {
            if (before == null || before.stream().noneMatch(each -> isOld(each, condition))) {
                host.event(Event.Type.STATUS, target, condition.reason(), condition.message());
            }
        }
    }

    private static boolean isOld(Condition before, Condition now) {
        return before.type().equals(now.type())
                && before.met() == now.met()
                && before.reason().equals(now.reason())
                && (now.met() || before.message().equals(now.message()));
    }

    /**
     * Forgets all others.
     *
     * @param known what is declared, or runs
     */
    void keep(Set<Reference> known, Set<Reference> running) {
        observed.keySet().retainAll(known);
        lastConditions.keySet().retainAll(running);
    }
}
