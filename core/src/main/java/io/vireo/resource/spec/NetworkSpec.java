package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Spec;
import io.vireo.resource.VlanSet;
import java.util.Optional;

/** A layer 2 network: a learning switch. */
public record NetworkSpec(
        @Field(
                        value = "Largest payload of a frame in bytes; the default of its vNICs.",
                        defaultValue = "1500",
                        min = Limits.MTU_MIN,
                        max = Limits.MTU_MAX)
                int mtu,
        @Field(
                        "VLANs that may cross the network, like 10-20,30. Absent: all. Ports without a VLAN use"
                                + " untagged frames.")
                Optional<VlanSet> allowedVlans,
        @Field(
                        value = "Seconds after which an address that sent nothing is forgotten.",
                        defaultValue = "300",
                        min = 1,
                        max = 1_000_000)
                int macAgingSeconds,
        @Field(
                        value = "Most addresses that are learnt; frames to others are flooded.",
                        defaultValue = "16384",
                        min = 16,
                        max = 1_048_576)
                int macLimit,
        @Field(
                        value =
                                "Name of the Uplink that joins the network to the outside. Absent: none.",
                        pattern = Names.LABEL)
                Optional<String> uplink,
        @Field("Policy of its vNICs, where they do not say otherwise. Absent: no restriction.")
                Optional<PortPolicySpec> vnicPolicy,
        @Field("Policy of its uplink. Absent: no restriction.")
                Optional<PortPolicySpec> uplinkPolicy,
        @Field(
                        "Whether multicasts go only to ports that asked for them by IGMP or MLD, and how. Absent: they"
                                + " go to all.")
                Optional<MulticastSnoopingSpec> multicastSnooping,
        @Field(
                        value =
                                "Name of the QosPolicy of the vNICs that have none of their own. Absent: none.",
                        pattern = Names.LABEL)
                Optional<String> qosPolicy,
        @Field(
                        value =
                                "Whether the links of its vNICs go down while its uplink has no link, so that servers"
                                        + " use another card.",
                        defaultValue = "false")
                boolean linkFollowsUplink)
        implements Spec {
    public NetworkSpec {
        allowedVlans = allowedVlans.filter(vlans -> !vlans.isEmpty());
    }
}
