package io.vireo.device.virtio;

import io.vireo.resource.ErrorCode;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.ResourceException;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** Contracts and services that a test gives to a kind. */
public final class FakeContext implements RealizeContext {
    private final Map<Class<?>, Object> offered = new HashMap<>();
    private final AtomicInteger statusChanges = new AtomicInteger();

    /** How often the status was said to have changed. */
    public int statusChanges() {
        return statusChanges.get();
    }

    /** Offers an object as a contract of whatever is asked, and as a service. */
    public <T> FakeContext with(Class<T> type, T object) {
        offered.put(type, object);
        return this;
    }

    @Override
    public <T> T require(Reference reference, Class<T> contract) {
        return find(contract, ErrorCode.NOT_READY);
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
