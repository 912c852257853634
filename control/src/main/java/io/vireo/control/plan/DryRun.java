package io.vireo.control.plan;

import io.vireo.control.KindRegistry;
import io.vireo.control.plan.Action.Verb;
import io.vireo.resource.Reference;
import io.vireo.resource.Spec;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/** What a change of desired state would do, told beforehand. A pure function. */
public final class DryRun {
    /** What a step means for those who use the resource. */
    public enum Effect {
        /** It was not there before. */
        START,
        /** It changes while it is used. */
        LIVE,
        /** It goes away and comes back: whoever uses it is cut off and has to connect again. */
        RESTART,
        /** It goes away. */
        STOP
    }

    /**
     * One step.
     *
     * @param changes in which fields the resource differs afterwards, of its spec and then of its
     *     metadata; of one that is restarted they stand at its creation
     */
    public record Step(Action action, Effect effect, List<Change> changes) {}

    private DryRun() {}

    /**
     * The steps in their order.
     *
     * @param before what is wanted now, which need not run
     * @param after what would be wanted
     * @param metadata what changes of metadata, which by itself is no step of a plan
     */
    public static List<Step> of(
            KindRegistry kinds,
            Map<Reference, Wanted> before,
            Map<Reference, Wanted> after,
            Map<Reference, List<Change>> metadata,
            Map<Reference, Running> running) {
        List<Action> actions = Planner.plan(after, doomed(kinds, after, running));
        Set<Reference> stopped = targets(actions, Verb.DELETE);
        Set<Reference> started = targets(actions, Verb.CREATE);
        Map<Reference, List<Change>> further = new TreeMap<>(metadata);
        List<Step> steps = new ArrayList<>();
        for (Action action : actions) {
            Reference target = action.target();
            boolean again = stopped.contains(target) && started.contains(target);
            List<Change> changes = new ArrayList<>(changes(action, before, after, running));
            if (action.verb() != Verb.DELETE) {
                changes.addAll(Optional.ofNullable(further.remove(target)).orElse(List.of()));
            }
            steps.add(new Step(action, effect(action.verb(), again), List.copyOf(changes)));
        }
        further.forEach((target, changes) ->
                steps.add(
                        new Step(
                                new Action(Verb.UPDATE, target, "its metadata changes"),
                                Effect.LIVE,
                                changes)));
        return List.copyOf(steps);
    }

    /** What runs, where what has to be restarted for what is wanted is doomed already. */
    private static Map<Reference, Running> doomed(
            KindRegistry kinds, Map<Reference, Wanted> after, Map<Reference, Running> running) {
        Map<Reference, Running> doomed = new TreeMap<>();
        running.forEach((target, each) ->
                doomed.put(
                        target,
                        new Running(
                                each.uid(),
                                each.spec(),
                                each.references(),
                                each.doom()
                                        .or(() ->
                                                Optional.ofNullable(after.get(target))
                                                        .flatMap(wanted ->
                                                                kinds.byKind(target.kind())
                                                                        .restarts(
                                                                                each.spec(),
                                                                                wanted.spec()))))));
        return doomed;
    }

    private static Set<Reference> targets(List<Action> actions, Verb verb) {
        Set<Reference> targets = new HashSet<>();
        actions.stream()
                .filter(action -> action.verb() == verb)
                .forEach(action -> targets.add(action.target()));
        return targets;
    }

    private static Effect effect(Verb verb, boolean again) {
        return switch (verb) {
            case UPDATE -> Effect.LIVE;
            case CREATE -> again ? Effect.RESTART : Effect.START;
            case DELETE -> again ? Effect.RESTART : Effect.STOP;
        };
    }

    private static List<Change> changes(
            Action action,
            Map<Reference, Wanted> before,
            Map<Reference, Wanted> after,
            Map<Reference, Running> running) {
        Wanted wanted = after.get(action.target());
        if (wanted == null || action.verb() == Verb.DELETE) {
            return List.of();
        }
        return Optional.ofNullable(running.get(action.target()))
                .map(Running::spec)
                .or(() -> Optional.ofNullable(before.get(action.target())).map(Wanted::spec))
                .map((Spec spec) -> SpecDiff.between(spec, wanted.spec()))
                .orElse(List.of());
    }
}
