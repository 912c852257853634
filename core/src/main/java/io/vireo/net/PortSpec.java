package io.vireo.net;

import io.vireo.resource.VlanSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * How a port sits in a {@link Network} (IEEE 802.1Q, 6.9 and 8.8). VLAN 0 is the class of the
 * frames without VLAN.
 *
 * @param uplink whether it leads out of the host: frames from one uplink do not go to another
 * @param accessVlan the VLAN of an access port: untagged on the port, where no other is carried;
 *     absent for a trunk
 * @param trunk VLANs that are tagged on the port; empty on an access port. An empty trunk carries
 *     every VLAN that the network allows.
 * @param nativeVlan VLAN of untagged frames of a trunk; absent: they are dropped
 * @param policy what else the port may do
 * @param qos its own quality of service, which wins whole over the network's; absent: the network's
 */
public record PortSpec(
        boolean uplink,
        OptionalInt accessVlan,
        VlanSet trunk,
        OptionalInt nativeVlan,
        PortPolicy policy,
        Optional<QosPolicy> qos) {
    public PortSpec {
        if (accessVlan.isPresent() && (!trunk.isEmpty() || nativeVlan.isPresent())) {
            throw new IllegalArgumentException(
                    "an access port has neither a trunk nor a native VLAN");
        }
    }

    /** A port that carries everything as it is: every VLAN tagged, frames without VLAN untagged. */
    public static PortSpec transparent(boolean uplink) {
        return new PortSpec(
                uplink,
                OptionalInt.empty(),
                VlanSet.NONE,
                OptionalInt.of(0),
                PortPolicy.NONE,
                Optional.empty());
    }

    /** A port of one VLAN, untagged; 0 for frames without VLAN. */
    public static PortSpec access(int vlan) {
        return new PortSpec(
                false,
                OptionalInt.of(vlan),
                VlanSet.NONE,
                OptionalInt.empty(),
                PortPolicy.NONE,
                Optional.empty());
    }

    /** A port whose station tags by itself. */
    public static PortSpec trunk(List<Integer> vlans, OptionalInt nativeVlan) {
        return trunk(VlanSet.of(vlans), nativeVlan);
    }

    /** A port whose station tags by itself. */
    public static PortSpec trunk(VlanSet vlans, OptionalInt nativeVlan) {
        return new PortSpec(
                false, OptionalInt.empty(), vlans, nativeVlan, PortPolicy.NONE, Optional.empty());
    }

    /** The same with another policy. */
    public PortSpec with(PortPolicy newPolicy) {
        return new PortSpec(uplink, accessVlan, trunk, nativeVlan, newPolicy, qos);
    }

    /** The same with quality of service of its own, or without. */
    public PortSpec withQos(Optional<QosPolicy> newQos) {
        return new PortSpec(uplink, accessVlan, trunk, nativeVlan, policy, newQos);
    }
}
