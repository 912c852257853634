package io.vireo.control.testing;

import io.vireo.resource.Condition;
import io.vireo.resource.Metric;
import io.vireo.resource.Realization;
import io.vireo.resource.Reference;
import io.vireo.resource.Spec;
import io.vireo.resource.Status;
import java.util.List;
import java.util.Optional;

/** Something that pretends to run. */
public final class FakeRealization implements Realization {
    private final FakeWorld world;
    private final Reference reference;
    private final Runnable statusChanged;
    private volatile Spec spec;
    private volatile boolean connected;

    FakeRealization(FakeWorld world, Reference reference, Spec spec, Runnable statusChanged) {
        this.world = world;
        this.reference = reference;
        this.spec = spec;
        this.statusChanged = statusChanged;
    }

    public Reference reference() {
        return reference;
    }

    public Spec spec() {
        return spec;
    }

    void become(Spec changed) {
        spec = changed;
    }

    /** Pretends that a guest came. */
    public void connect() {
        connected = true;
        statusChanged.run();
    }

    @Override
    public <T> Optional<T> contract(Class<T> type) {
        return type.isInstance(this) ? Optional.of(type.cast(this)) : Optional.empty();
    }

    @Override
    public Status status() {
        Status base = FakeWorld.status(reference, spec);
        String message = connected ? "a guest is there" : "";
        return new Status(
                List.of(
                        new Condition(
                                Condition.CONNECTED,
                                connected,
                                connected ? "GuestThere" : "NoGuest",
                                message)),
                base.attributes(),
                List.of(Metric.counter("uses_total", "How often it was used.", 42)));
    }

    @Override
    public void close(Runnable onClosed) {
        world.closing(this, onClosed);
    }
}
