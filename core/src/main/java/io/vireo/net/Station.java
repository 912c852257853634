package io.vireo.net;

import io.vireo.resource.MacAddress;
import java.util.List;

/**
 * A station that was seen behind a port of a {@link Network}.
 *
 * @param address that it sends from
 * @param tag VLAN identifier that its frames carry at the port; 0: they have no tag
 * @param addresses that it is known to have in that VLAN
 */
public record Station(MacAddress address, int tag, List<StationAddress> addresses) {
    public Station {
        addresses = List.copyOf(addresses);
    }

    /** A station of which no IP address is known. */
    public Station(MacAddress address, int tag) {
        this(address, tag, List.of());
    }
}
