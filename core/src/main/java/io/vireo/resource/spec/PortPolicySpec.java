package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Names;
import io.vireo.resource.Reference;
import io.vireo.resource.Violation;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Stream;

/** What a switch allows a port, beside its VLANs. */
public record PortPolicySpec(
        @Field(
                        "Private VLAN: isolated ports reach only ports without isolation and the uplink, those of a"
                                + " community each other too. Absent: none.")
                Optional<Isolation> isolation,
        @Field(
                        value = "Name of the community, for isolation community only.",
                        pattern = Names.LABEL)
                Optional<String> community,
        @Field(
                        value =
                                "Most MAC addresses behind the port; frames from further ones are dropped. Absent: only"
                                        + " the network's limit.",
                        min = 1,
                        max = 1_048_576)
                OptionalInt macLimit,
        @Field(
                        value =
                                "MAC addresses that are at this port and nowhere else: frames from them at another"
                                        + " port are dropped, they need not be learnt and do not age.",
                        maxLength = 64)
                List<MacAddress> boundMacs,
        @Field("Source addresses that are checked. Absent: none.")
                Optional<AntiSpoofingSpec> antiSpoofing,
        @Field(
                        "Whether the port may answer DHCP clients: deny drops what only servers send. Absent: allow.")
                Optional<Permission> dhcpServer,
        @Field("Whether the port may send IPv6 router advertisements and redirects. Absent: allow.")
                Optional<Permission> routerAdvertisements,
        @Field("Limits of frames that go to many. Absent: none.")
                Optional<StormControlSpec> stormControl,
        @Field(
                        value =
                                "Names of Acls that decide about frames that come from the port, one after the other.",
                        pattern = Names.LABEL,
                        maxLength = Names.MAX_LENGTH)
                List<String> ingressAcls,
        @Field(
                        value =
                                "Names of Acls that decide about frames that go to the port, one after the other.",
                        pattern = Names.LABEL,
                        maxLength = Names.MAX_LENGTH)
                List<String> egressAcls) {
    /** Kinds of ports of a private VLAN (RFC 5517). */
    public enum Isolation {
        /** Reaches everybody. */
        NONE,
        /** Reaches only ports of kind {@link #NONE}. */
        ISOLATED,
        /** Reaches these and the ports of its community. */
        COMMUNITY
    }

    /** Whether something is allowed. */
    public enum Permission {
        ALLOW,
        DENY
    }

    /** No restriction. */
    public static final PortPolicySpec NONE =
            new PortPolicySpec(
                    Optional.empty(),
                    Optional.empty(),
                    OptionalInt.empty(),
                    List.of(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    List.of(),
                    List.of());

    public PortPolicySpec {
        boundMacs = List.copyOf(boundMacs);
        ingressAcls = List.copyOf(ingressAcls);
        egressAcls = List.copyOf(egressAcls);
    }

    /** This policy, with what it does not say taken from another. */
    public PortPolicySpec orElse(PortPolicySpec other) {
        return new PortPolicySpec(
                isolation.or(other::isolation),
                isolation.isPresent() ? community : other.community,
                macLimit.isPresent() ? macLimit : other.macLimit,
                boundMacs.isEmpty() ? other.boundMacs : boundMacs,
                antiSpoofing.or(other::antiSpoofing),
                dhcpServer.or(other::dhcpServer),
                routerAdvertisements.or(other::routerAdvertisements),
                stormControl.or(other::stormControl),
                ingressAcls.isEmpty() ? other.ingressAcls : ingressAcls,
                egressAcls.isEmpty() ? other.egressAcls : egressAcls);
    }

    /** The Acls that it refers to. */
    public List<Reference> references() {
        return Stream.concat(ingressAcls.stream(), egressAcls.stream())
                .distinct()
                .map(name -> new Reference(Kinds.ACL, name))
                .toList();
    }

    /**
     * What contradicts itself.
     *
     * @param at pointer to this policy
     */
    public List<Violation> violations(String at) {
        var violations = new ArrayList<Violation>();
        boolean inCommunity = isolation.filter(kind -> kind == Isolation.COMMUNITY).isPresent();
        if (inCommunity && community.isEmpty()) {
            violations.add(
                    new Violation(
                            at + "/community", "is required with isolation community: name it"));
        }
        if (!inCommunity && community.isPresent()) {
            violations.add(
                    new Violation(
                            at + "/community",
                            "needs isolation: community; add it, or leave it out"));
        }
        return violations;
    }
}
