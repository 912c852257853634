package io.vireo.control;

import io.vireo.control.identity.IdentityConfig;
import java.nio.file.Path;

/**
 * Configuration of the control plane.
 *
 * @param store the database's file
 * @param identities where MAC addresses and serials are drawn from
 * @param eventsKept how many events a watcher may be behind before it has to start over
 */
public record ControlConfig(Path store, IdentityConfig identities, int eventsKept) {
    /** The shipped configuration with a store at a place. */
    public static ControlConfig at(Path store) {
        return at(store, IdentityConfig.DEFAULT);
    }

    /** The same with other identities. */
    public static ControlConfig at(Path store, IdentityConfig identities) {
        return new ControlConfig(store, identities, 4096);
    }
}
