package io.vireo.resource;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Small records of the data plane that survive a restart and a loss of power, by key: what guests
 * have been promised, not what an operator has declared. A service of the host; thread safe.
 */
public interface DurableState {
    /** The record of a key; may wait for the medium. */
    Optional<String> get(String key);

    /** The keys that begin so and have a record, sorted; may wait for the medium. */
    List<String> keys(String prefix);

    /**
     * Writes a record, or removes it; does not wait. {@code done} is told on any thread whether it
     * is durable; writes of one key happen in the order of their calls.
     */
    void put(String key, Optional<String> value, Consumer<Boolean> done);
}
