package io.vireo.control.plan;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.resource.Reference;
import io.vireo.resource.Spec;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Properties that hold for the plan between any two states. */
@Tag("endurance")
final class PlannerTest {
    /** References are part of a spec: two that differ in them differ. */
    private record TestSpec(int version, Set<Reference> uses) implements Spec {}

    /**
     * Doing the actions one by one leads to what is wanted, and nothing ever runs without what it
     * uses.
     */
    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 5, 8, 13})
    void leadsFromAnyStateToAnyOther(int size) {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("seed " + seed + " (replay with -Dvireo.seed)");
        var random = new Random(seed);
        for (int i = 0; i < 300; i++) {
            Map<Reference, Wanted> before = state(random, size);
            Map<Reference, Wanted> after = state(random, size);
            Map<Reference, Running> actual = new TreeMap<>();
            before.forEach((reference, wanted) -> actual.put(reference, running(wanted, random)));

            List<Action> plan = Planner.plan(after, actual);

            assertThat(Planner.plan(after, actual)).as("same inputs, same plan").isEqualTo(plan);
            Map<Reference, Running> now = new TreeMap<>(actual);
            plan.forEach(action -> perform(action, after, now));
            assertThat(now.keySet()).isEqualTo(after.keySet());
            after.forEach(
                    (reference, wanted) -> assertThat(now.get(reference)).isEqualTo(up(wanted)));
            assertThat(Planner.plan(after, now))
                    .as("a plan that was done leaves nothing to do")
                    .isEmpty();
        }
    }

    private static Running up(Wanted wanted) {
        return new Running(wanted.uid(), wanted.spec(), wanted.references(), Optional.empty());
    }

    private static Running running(Wanted wanted, Random random) {
        return new Running(
                wanted.uid(),
                wanted.spec(),
                wanted.references(),
                random.nextInt(8) == 0 ? Optional.of("must go") : Optional.empty());
    }

    /** A random state: each resource may use some of those before it. */
    private static Map<Reference, Wanted> state(Random random, int size) {
        Map<Reference, Wanted> state = new TreeMap<>();
        for (int i = 0; i < size; i++) {
            if (random.nextInt(4) > 0) {
                Set<Reference> uses = new TreeSet<>();
                for (Reference earlier : state.keySet()) {
                    if (random.nextInt(3) == 0) {
                        uses.add(earlier);
                    }
                }
                int version = random.nextInt(2);
                String uid = random.nextInt(6) == 0 ? "other" : "uid";
                state.put(
                        new Reference("Kind", String.format("r%02d", i)),
                        new Wanted(uid, new TestSpec(version, uses), uses));
            }
        }
        return state;
    }

    private static void perform(
            Action action, Map<Reference, Wanted> desired, Map<Reference, Running> now) {
        Reference target = action.target();
        switch (action.verb()) {
            case DELETE -> {
                assertThat(now).as("runs before it is stopped").containsKey(target);
                assertThat(now.values())
                        .as(target + " is used while it is stopped")
                        .noneMatch(other -> other.references().contains(target));
                now.remove(target);
            }
            case CREATE -> {
                assertThat(now).as("not started twice").doesNotContainKey(target);
                start(target, desired, now);
            }
            case UPDATE -> {
                assertThat(now).as("runs before it is changed").containsKey(target);
                start(target, desired, now);
            }
        }
    }

    private static void start(
            Reference target, Map<Reference, Wanted> desired, Map<Reference, Running> now) {
        Wanted wanted = desired.get(target);
        assertThat(wanted).isNotNull();
        if (wanted != null) {
            assertThat(now.keySet())
                    .as("what " + target + " uses")
                    .containsAll(wanted.references());
            for (Reference used : wanted.references()) {
                assertThat(now.get(used))
                        .as("is up to date before " + target)
                        .isEqualTo(upOf(used, desired));
            }
            now.put(target, up(wanted));
        }
    }

    private static Running upOf(Reference used, Map<Reference, Wanted> desired) {
        Wanted wanted = desired.get(used);
        if (wanted == null) {
            throw new AssertionError(used + " is used and not wanted");
        }
        return up(wanted);
    }
}
