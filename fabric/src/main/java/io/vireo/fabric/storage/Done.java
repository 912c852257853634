package io.vireo.fabric.storage;

import io.vireo.resource.Realization;
import io.vireo.resource.Status;
import java.util.Optional;

/** Something that was done once, and of which nothing runs. */
record Done() implements Realization {
    @Override
    public <T> Optional<T> contract(Class<T> type) {
        return Optional.empty();
    }

    @Override
    public Status status() {
        return Status.EMPTY;
    }

    @Override
    public void close(Runnable onClosed) {
        onClosed.run();
    }
}
