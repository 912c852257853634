package io.vireo.net;

import io.vireo.resource.MacAddress;
import io.vireo.resource.spec.PortPolicySpec;
import java.util.Optional;

/**
 * What a {@link Network} allows a port, beside its VLANs.
 *
 * @param mac the address of the card at the port; empty for an uplink
 * @param rules what is allowed
 */
public record PortPolicy(Optional<MacAddress> mac, PortPolicySpec rules) {
    /** No restriction. */
    public static final PortPolicy NONE = new PortPolicy(Optional.empty(), PortPolicySpec.NONE);
}
