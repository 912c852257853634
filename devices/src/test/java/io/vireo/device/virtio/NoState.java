package io.vireo.device.virtio;

import io.vireo.resource.DurableState;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** Keeps nothing. */
public final class NoState implements DurableState {
    @Override
    public Optional<String> get(String key) {
        return Optional.empty();
    }

    @Override
    public List<String> keys(String prefix) {
        return List.of();
    }

    @Override
    public void put(String key, Optional<String> value, Consumer<Boolean> done) {
        done.accept(true);
    }
}
