package io.vireo.testkit;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.Metadata;
import io.vireo.resource.Realization;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import io.vireo.resource.ResourceKind;
import io.vireo.resource.Spec;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * What a kind may use, in the place of the reconciler: contracts and services that a test gives,
 * and the contracts of what the test has realized here. Everything was realized before, in an
 * earlier life of the daemon.
 */
public final class FakeContext implements RealizeContext {
    /** A contract of a resource that is not realized here. */
    private record Offer(Reference by, Class<?> contract) {}

    private final Map<Class<?>, Object> offered = new HashMap<>();
    private final Map<Offer, Object> offeredBy = new HashMap<>();
    private final SequencedMap<Reference, Realization> running = new LinkedHashMap<>();
    private final AtomicInteger statusChanges = new AtomicInteger();

    /** How often the status was said to have changed. */
    public int statusChanges() {
        return statusChanges.get();
    }

    /** Offers an object as a contract of whatever else is asked, and as a service. */
    public <T> FakeContext with(Class<T> type, T object) {
        offered.put(type, object);
        return this;
    }

    /** Offers an object as a contract of one resource. */
    public <T> FakeContext with(Reference by, Class<T> contract, T object) {
        offeredBy.put(new Offer(by, contract), object);
        return this;
    }

    /** Realizes a resource, to whose contracts others can refer. */
    public <S extends Spec> Realization realize(ResourceKind<S> kind, Metadata metadata, S spec) {
        var realization = kind.realize(metadata, spec, this);
        running.put(new Reference(kind.kind(), metadata.name()), realization);
        return realization;
    }

    /** What was realized here. */
    public Realization running(String kind, String name) {
        return Objects.requireNonNull(running.get(new Reference(kind, name)), name);
    }

    /** Closes what is still running here, what was realized last first. */
    public void closeAll() {
        List.copyOf(running.reversed().values()).forEach(this::close);
    }

    /** Closes what was realized, here or elsewhere, and returns when it is closed. */
    public void close(Realization realization) {
        running.values().remove(realization);
        var closed = new AtomicBoolean();
        realization.close(() -> closed.set(true));
        Eventually.until("it is closed", closed::get);
    }

    @Override
    public <T> T require(Reference reference, Class<T> contract) {
        var realization = running.get(reference);
        if (realization != null) {
            return realization.contract(contract).orElseThrow();
        }
        var object = offeredBy.get(new Offer(reference, contract));
        return object != null ? contract.cast(object) : find(contract, ErrorCode.NOT_READY);
    }

    @Override
    public <T> T service(Class<T> type) {
        return find(type, ErrorCode.UNSUPPORTED);
    }

    private <T> T find(Class<T> type, ErrorCode otherwise) {
        var object = offered.get(type);
        if (object == null) {
            throw new ResourceException(otherwise, "there is no " + type.getSimpleName());
        }
        return type.cast(object);
    }

    @Override
    public boolean provisioned() {
        return true;
    }

    @Override
    public Runnable statusChanged() {
        return statusChanges::incrementAndGet;
    }
}
