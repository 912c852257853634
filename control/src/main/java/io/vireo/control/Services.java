package io.vireo.control;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What the host offers to kinds, by type: reactors, transports, the runtime directory. Filled once,
 * then only read.
 */
public final class Services {
    private final Map<Class<?>, Object> byType = new LinkedHashMap<>();

    /** Adds a service under the type that kinds ask for. */
    public <T> Services add(Class<T> type, T service) {
        byType.put(type, service);
        return this;
    }

    /** The service of a type; empty: this host has none. */
    public <T> Optional<T> find(Class<T> type) {
        return Optional.ofNullable(byType.get(type)).map(type::cast);
    }
}
