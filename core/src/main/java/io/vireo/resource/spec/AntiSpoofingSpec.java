package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.MacAddress;
import java.util.List;

/** Which source addresses a card may use. Its own MAC address is always one of them. */
public record AntiSpoofingSpec(
        @Field(
                        value = "Further MAC addresses that may be the source of its frames.",
                        maxLength = 64)
                List<MacAddress> macs,
        @Field(
                        value =
                                "IPv4 and IPv6 addresses and prefixes that it may use, in ARP and neighbor discovery too."
                                        + " Empty: only MAC addresses are checked.",
                        maxLength = 64)
                List<IpPrefix> addresses,
        @Field(
                        value =
                                "IPv6 link-local addresses that it may use where addresses are checked: any, eui64"
                                        + " (made of its MAC address), or none but those in addresses.",
                        defaultValue = "any")
                LinkLocal linkLocal) {
    /** Link-local addresses that are allowed beside the listed ones. */
    public enum LinkLocal {
        /** All of fe80::/64. */
        ANY,
        /** The one made of the card's MAC address (RFC 4291, appendix A). */
        EUI64,
        /** None. */
        NONE
    }

    public AntiSpoofingSpec {
        macs = List.copyOf(macs);
        addresses = List.copyOf(addresses);
    }
}
