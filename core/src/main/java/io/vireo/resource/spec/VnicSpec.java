package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.MacAddress;
import io.vireo.resource.Names;
import io.vireo.resource.Spec;
import io.vireo.resource.VlanSet;
import java.util.Optional;
import java.util.OptionalInt;

/** A virtual network card, derived from a server profile: everything is decided. */
public record VnicSpec(
        @Field("Name of the ServerProfile that it belongs to.") String profile,
        @Field("Name of the card in the profile.") String device,
        @Field("Name of the Network that it is plugged into.") String network,
        @Field("MAC address.") MacAddress mac,
        @Field(
                        value = "MTU that the guest is told, in bytes.",
                        min = Limits.MTU_MIN,
                        max = Limits.MTU_MAX)
                int mtu,
        @Field(value = "Access VLAN. Absent: none.", min = Limits.VLAN_MIN, max = Limits.VLAN_MAX)
                OptionalInt vlan,
        @Field("VLANs that the guest may tag itself, like 10-20,30. Absent: not a trunk.")
                Optional<VlanSet> trunk,
        @Field(
                        value = "VLAN of untagged frames of a trunk. Absent: they are dropped.",
                        min = Limits.VLAN_MIN,
                        max = Limits.VLAN_MAX)
                OptionalInt nativeVlan,
        @Field(value = "Pairs of receive and transmit queues.", min = 1, max = Limits.QUEUES_MAX)
                int queuePairs,
        @Field("Who listens on the socket: server means Vireo.") SocketMode socketMode,
        @Field("Absolute path of the socket. Absent: <runtime directory>/<profile>/<card>.sock.")
                Optional<String> socketPath,
        @Field("What the switch allows the card, beside its VLANs.") PortPolicySpec policy,
        @Field(value = "Name of its QosPolicy. Absent: the network's.", pattern = Names.LABEL)
                Optional<String> qosPolicy,
        @Field("Whether the card's link is up.") AdminState adminState,
        @Field(
                        value = "Speed in Mbit/s that the guest is shown. Absent: it is not known.",
                        min = 1,
                        max = Integer.MAX_VALUE)
                OptionalInt speed,
        @Field("Absolute path of a socket at which QEMU takes commands (QMP). Absent: none.")
                Optional<String> qmp,
        @Field(
                        value =
                                "How the server gets the card: vhost-user for a hypervisor, tap for the host itself"
                                        + " or a container.",
                        defaultValue = "vhost-user")
                Presentation presentation,
        @Field(
                        value =
                                "Name of the TAP interface; with presentation tap only. Absent: the"
                                        + " name of the card.",
                        pattern = Forms.INTERFACE,
                        maxLength = Limits.INTERFACE_MAX)
                Optional<String> interfaceName,
        @Field(
                        value =
                                "Network namespace that gets the TAP interface: a name below"
                                        + " /run/netns; with presentation tap only. Absent: the"
                                        + " daemon's own.",
                        pattern = Forms.NAMESPACE)
                Optional<String> namespace)
        implements Spec {
    public VnicSpec {
        trunk = trunk.filter(vlans -> !vlans.isEmpty());
    }

    /** The same with another policy. */
    public VnicSpec withQosPolicy(Optional<String> newPolicy) {
        return new VnicSpec(
                profile,
                device,
                network,
                mac,
                mtu,
                vlan,
                trunk,
                nativeVlan,
                queuePairs,
                socketMode,
                socketPath,
                policy,
                newPolicy,
                adminState,
                speed,
                qmp,
                presentation,
                interfaceName,
                namespace);
    }
}
