package io.vireo.net;

import java.util.List;
import java.util.OptionalInt;

/**
 * How a port sits in a {@link Network} (IEEE 802.1Q, 6.9 and 8.8).
 *
 * @param uplink whether it leads out of the host: frames from one uplink do not go to another
 * @param accessVlan the VLAN of an access port: untagged on the port; absent for a trunk or a port
 *     without VLAN
 * @param trunk VLANs that are tagged on the port; empty unless it is a trunk
 * @param nativeVlan VLAN of untagged frames of a trunk; absent: they are dropped
 */
public record PortSpec(
        boolean uplink, OptionalInt accessVlan, List<Integer> trunk, OptionalInt nativeVlan) {
    public PortSpec {
        trunk = List.copyOf(trunk);
    }

    /** A port that carries everything as it is. */
    public static PortSpec transparent(boolean uplink) {
        return new PortSpec(uplink, OptionalInt.empty(), List.of(), OptionalInt.empty());
    }
}
