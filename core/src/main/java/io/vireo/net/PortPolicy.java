package io.vireo.net;

import io.vireo.resource.MacAddress;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.Reference;
import io.vireo.resource.spec.Kinds;
import io.vireo.resource.spec.PortPolicySpec;
import java.util.List;
import java.util.Optional;

/**
 * What a {@link Network} allows a port, beside its VLANs.
 *
 * @param mac the address of the card at the port; empty for an uplink
 * @param rules what is allowed
 * @param ingress lists that decide about frames that come from the port
 * @param egress lists that decide about frames that go to it
 */
public record PortPolicy(
        Optional<MacAddress> mac,
        PortPolicySpec rules,
        List<AccessList> ingress,
        List<AccessList> egress) {
    /** No restriction. */
    public static final PortPolicy NONE = new PortPolicy(Optional.empty(), PortPolicySpec.NONE);

    public PortPolicy {
        ingress = List.copyOf(ingress);
        egress = List.copyOf(egress);
    }

    /** A policy without lists. */
    public PortPolicy(Optional<MacAddress> mac, PortPolicySpec rules) {
        this(mac, rules, List.of(), List.of());
    }

    /**
     * A policy with the lists that its rules name.
     *
     * @throws io.vireo.resource.ResourceException if one of them is not there
     */
    public static PortPolicy of(
            Optional<MacAddress> mac, PortPolicySpec rules, RealizeContext context) {
        return new PortPolicy(
                mac,
                rules,
                lists(rules.ingressAcls(), context),
                lists(rules.egressAcls(), context));
    }

    private static List<AccessList> lists(List<String> names, RealizeContext context) {
        return names.stream()
                .map(name -> context.require(new Reference(Kinds.ACL, name), AccessList.class))
                .toList();
    }
}
