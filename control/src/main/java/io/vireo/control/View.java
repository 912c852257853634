package io.vireo.control;

import io.vireo.resource.Condition;
import io.vireo.resource.Metric;
import java.time.Instant;
import java.util.List;
import java.util.Map;

/**
 * A resource with what is known of it.
 *
 * @param observedGeneration the generation of the spec that is in force; 0: none
 * @param conditions {@link Condition#READY} first
 * @param readySince when the first condition changed last
 * @param stalled whether it is not ready, and nothing is tried until somebody changes something
 * @param attributes facts for users, in order
 * @param metrics counters and gauges
 * @param cells the cells of the kind's table
 */
public record View(
        Resource resource,
        long observedGeneration,
        List<Condition> conditions,
        Instant readySince,
        boolean stalled,
        Map<String, String> attributes,
        List<Metric> metrics,
        Map<String, String> cells) {
    /** Whether desired state is in force. */
    public boolean ready() {
        return conditions.getFirst().met();
    }
}
