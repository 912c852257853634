package io.vireo.testkit;

import io.vireo.resource.DurableState;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** {@link DurableState} that lasts as long as the test, which may have it fail. */
public final class MemoryState implements DurableState {
    private final Map<String, String> records = new ConcurrentHashMap<>();
    private volatile boolean failing;

    /** Whether what is put from now on is not durable, and forgotten. */
    public void failing(boolean on) {
        failing = on;
    }

    @Override
    public Optional<String> get(String key) {
        return Optional.ofNullable(records.get(key));
    }

    @Override
    public List<String> keys(String prefix) {
        return records.keySet().stream().filter(key -> key.startsWith(prefix)).sorted().toList();
    }

    @Override
    public void put(String key, Optional<String> value, Consumer<Boolean> done) {
        if (!failing) {
            value.ifPresentOrElse(text -> records.put(key, text), () -> records.remove(key));
        }
        done.accept(!failing);
    }
}
