package io.vireo.net;

import io.vireo.resource.Metadata;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.ResourceKind.Declared;
import io.vireo.resource.spec.UplinkSpec;
import java.util.Collection;

/** Opens one type of uplink. Found by {@link java.util.ServiceLoader}. */
public interface UplinkProvider {
    /** The type that it opens. */
    UplinkSpec.Type type();

    /**
     * Opens an uplink.
     *
     * @throws io.vireo.resource.ResourceException if the host refuses, with a message that says
     *     what to do
     */
    Uplink open(Metadata metadata, UplinkSpec spec, RealizeContext context);

    /**
     * Removes what earlier processes made for others than these.
     *
     * @param declared uplinks that there are, or are to be, of all types
     */
    default void reclaim(Collection<Declared<UplinkSpec>> declared, RealizeContext context) {}

    /** Removes what outlives the process; nothing is open any more. */
    default void destroy(Metadata metadata, UplinkSpec spec, RealizeContext context) {}
}
