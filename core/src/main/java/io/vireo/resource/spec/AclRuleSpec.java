package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.IpPrefix;
import io.vireo.resource.MacAddress;
import io.vireo.resource.PortRange;
import io.vireo.resource.VlanSet;
import java.util.Optional;
import java.util.OptionalInt;

/** One rule of an {@link AclSpec}: it matches a frame that meets all conditions it states. */
public record AclRuleSpec(
        @Field("What happens to a frame that the rule matches.") AclSpec.Action action,
        @Field(
                        value =
                                "EtherType: ipv4, ipv6, arp, or four hexadecimal digits like"
                                        + " 0x88cc.",
                        pattern = Forms.ETHER_TYPE)
                Optional<String> etherType,
        @Field("VLANs of the frame in the network, like 10-20,30.") Optional<VlanSet> vlans,
        @Field("Source MAC address.") Optional<MacAddress> sourceMac,
        @Field("Destination MAC address.") Optional<MacAddress> destinationMac,
        @Field(
                        value = "IP protocol: tcp, udp, sctp, icmp, icmpv6, igmp, or its number.",
                        pattern = Forms.IP_PROTOCOL)
                Optional<String> protocol,
        @Field("Source address or prefix.") Optional<IpPrefix> source,
        @Field("Destination address or prefix.") Optional<IpPrefix> destination,
        @Field("Source ports of tcp, udp or sctp, like 1024-65535.")
                Optional<PortRange> sourcePorts,
        @Field("Destination ports of tcp, udp or sctp, like 80.")
                Optional<PortRange> destinationPorts,
        @Field(value = "Type of icmp or icmpv6.", min = 0, max = 255) OptionalInt icmpType,
        @Field(value = "Code of icmp or icmpv6; needs icmpType.", min = 0, max = 255)
                OptionalInt icmpCode,
        @Field(
                        value =
                                "Flags of tcp that must be set, or not set with '!', like"
                                        + " syn,!ack.",
                        pattern = Forms.TCP_FLAGS)
                Optional<String> tcpFlags,
        @Field(
                        value =
                                "Whether the rule matches fragments without the first part of their packet, and nothing"
                                        + " else. Rules with ports, types or flags never match such fragments.",
                        defaultValue = "false")
                boolean laterFragments) {
    /** Whether the rule looks at the header of the upper layer. */
    public boolean needsTransport() {
        return sourcePorts.isPresent()
                || destinationPorts.isPresent()
                || icmpType.isPresent()
                || tcpFlags.isPresent();
    }
}
