package io.vireo.fabric;

import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;

/** For kinds that need nothing of others, but for what a test overrides. */
public class NoContext implements RealizeContext {
    @Override
    public <T> T require(Reference reference, Class<T> contract) {
        throw new AssertionError(reference);
    }

    @Override
    public <T> T service(Class<T> type) {
        throw new AssertionError(type);
    }

    @Override
    public boolean provisioned() {
        return true;
    }

    @Override
    public Runnable statusChanged() {
        return () -> {};
    }
}
