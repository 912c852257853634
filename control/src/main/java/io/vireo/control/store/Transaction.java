package io.vireo.control.store;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Conditions and writes that happen all or not at all. A key is written at most once. Built by one
 * thread.
 */
public final class Transaction {
    /**
     * A condition on one key.
     *
     * @param modRevision the revision that it must have been written last by; 0: it must not exist
     */
    public record Condition(String key, long modRevision) {}

    private final List<Condition> conditions = new ArrayList<>();
    private final Map<String, Optional<String>> writes = new LinkedHashMap<>();

    /** Demands that a key was written last by a revision; 0 demands that it does not exist. */
    public Transaction require(String key, long modRevision) {
        conditions.add(new Condition(key, modRevision));
        return this;
    }

    /** Writes a key, whether it exists or not. */
    public Transaction put(String key, String value) {
        writes.put(key, Optional.of(value));
        return this;
    }

    /** Deletes a key; one that does not exist is left alone and makes no change. */
    public Transaction delete(String key) {
        writes.put(key, Optional.empty());
        return this;
    }

    /** What has to hold, in the order it was demanded. */
    public List<Condition> conditions() {
        return List.copyOf(conditions);
    }

    /** Key to new value, empty for a deletion, in the order they were added. */
    public Map<String, Optional<String>> writes() {
        return new LinkedHashMap<>(writes);
    }

    public boolean isEmpty() {
        return writes.isEmpty();
    }
}
