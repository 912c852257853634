package io.vireo.control.plan;

import io.vireo.control.plan.Action.Verb;
import io.vireo.resource.Reference;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The difference between what is wanted and what runs, as ordered actions. A pure function; equal
 * inputs give equal lists.
 *
 * <p>The order holds at every step that nothing runs without what it refers to: a resource is
 * created after its references, stopped after all that use it, and a change that lets go of a
 * resource comes before that one is stopped.
 */
public final class Planner {
    private final Map<Reference, Wanted> desired;
    private final Map<Reference, Running> actual;
    private final Set<Reference> closing = new TreeSet<>();
    private final Map<Step, String> steps = new TreeMap<>(STEP_ORDER);

    private static final Comparator<Step> STEP_ORDER =
            Comparator.comparing(Step::verb).thenComparing(Step::target);

    private record Step(Verb verb, Reference target) {}

    private Planner(Map<Reference, Wanted> desired, Map<Reference, Running> actual) {
        this.desired = desired;
        this.actual = actual;
    }

    /**
     * The actions that lead from {@code actual} to {@code desired}, in an order in which they can
     * be done.
     */
    public static List<Action> plan(
            Map<Reference, Wanted> desired, Map<Reference, Running> actual) {
        var planner = new Planner(desired, actual);
        planner.collectDeletes();
        while (true) {
            planner.closeUsers();
            planner.collectCreatesAndUpdates();
            List<Action> ordered = planner.order();
            Optional<Reference> stuck = planner.stuck(ordered);
            if (stuck.isEmpty()) {
                return ordered;
            }
            planner.delete(
                    stuck.get(), "must let go of what is stopped before it can have what it needs");
        }
    }

    private void collectDeletes() {
        actual.forEach((target, running) -> {
            Wanted wanted = desired.get(target);
            if (wanted == null) {
                delete(target, "no longer wanted");
            } else if (!wanted.uid().equals(running.uid())) {
                delete(target, "was deleted and declared anew");
            } else {
                running.doom().ifPresent(reason -> delete(target, reason));
            }
        });
    }

    /** Whatever uses one that closes, and is to go on using it, closes too. */
    private void closeUsers() {
        boolean grown = true;
        while (grown) {
            grown = false;
            for (var entry : actual.entrySet()) {
                if (!closing.contains(entry.getKey())) {
                    grown |= deleteIfItUsesOneThatCloses(entry.getKey(), entry.getValue());
                }
            }
        }
    }

    private boolean deleteIfItUsesOneThatCloses(Reference target, Running running) {
        Wanted wanted = desired.get(target);
        for (Reference used : running.references()) {
            if (closing.contains(used) && (wanted == null || wanted.references().contains(used))) {
                delete(target, "uses " + used + ", which is stopped");
                return true;
            }
        }
        return false;
    }

    private void delete(Reference target, String reason) {
        closing.add(target);
        steps.remove(new Step(Verb.UPDATE, target));
        steps.put(new Step(Verb.DELETE, target), reason);
    }

    private void collectCreatesAndUpdates() {
        desired.forEach((target, wanted) -> {
            Running running = actual.get(target);
            if (running == null) {
                steps.put(new Step(Verb.CREATE, target), "wanted and not running");
            } else if (closing.contains(target)) {
                steps.put(new Step(Verb.CREATE, target), "comes back");
            } else if (!running.spec().equals(wanted.spec())) {
                steps.put(new Step(Verb.UPDATE, target), "its spec changes");
            }
        });
    }

    private List<Action> order() {
        Map<Step, Set<Step>> followers = new HashMap<>();
        Map<Step, Integer> waitingFor = new HashMap<>();
        steps.keySet()
                .forEach(step ->
                        before(step).forEach(first -> link(first, step, followers, waitingFor)));
        var free = new PriorityQueue<>(STEP_ORDER);
        steps.keySet().stream().filter(step -> !waitingFor.containsKey(step)).forEach(free::add);
        List<Action> ordered = new ArrayList<>();
        Set<Step> done = new HashSet<>();
        while (!free.isEmpty()) {
            Step step = free.remove();
            done.add(step);
            ordered.add(action(step));
            for (Step follower : followers.getOrDefault(step, Set.of())) {
                if (waitingFor.merge(follower, -1, Integer::sum) == 0) {
                    free.add(follower);
                }
            }
        }
        return ordered;
    }

    /**
     * A change that keeps others from going on: it lets go of a resource that is to be restarted,
     * and takes up one that needs the restarted one. Stopping it first breaks the circle.
     */
    private Optional<Reference> stuck(List<Action> ordered) {
        Set<Reference> changed = new HashSet<>();
        ordered.stream()
                .filter(action -> action.verb() == Verb.UPDATE)
                .forEach(action -> changed.add(action.target()));
        return steps.keySet().stream()
                .filter(step -> step.verb() == Verb.UPDATE && !changed.contains(step.target()))
                .map(Step::target)
                .filter(this::usesOneThatCloses)
                .findFirst();
    }

    private boolean usesOneThatCloses(Reference target) {
        Running running = actual.get(target);
        return running != null && running.references().stream().anyMatch(closing::contains);
    }

    private Action action(Step step) {
        return new Action(step.verb(), step.target(), steps.getOrDefault(step, ""));
    }

    private void link(
            Step first, Step then, Map<Step, Set<Step>> followers, Map<Step, Integer> waitingFor) {
        if (steps.containsKey(first)
                && followers.computeIfAbsent(first, _ -> new HashSet<>()).add(then)) {
            waitingFor.merge(then, 1, Integer::sum);
        }
    }

    /** Steps that come before this one, where they are part of the plan. */
    private List<Step> before(Step step) {
        List<Step> before = new ArrayList<>();
        if (step.verb() == Verb.DELETE) {
            actual.forEach((user, running) -> {
                if (running.references().contains(step.target())) {
                    before.add(new Step(closing.contains(user) ? Verb.DELETE : Verb.UPDATE, user));
                }
            });
            return before;
        }
        if (step.verb() == Verb.CREATE) {
            before.add(new Step(Verb.DELETE, step.target()));
        }
        Wanted wanted = desired.get(step.target());
        if (wanted != null) {
            for (Reference needed : wanted.references()) {
                before.add(new Step(Verb.CREATE, needed));
                before.add(new Step(Verb.UPDATE, needed));
            }
        }
        return before;
    }
}
