package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.IpPrefix;
import java.util.Optional;

/**
 * How a network asks its stations which multicasts they want, where no multicast router does (RFC
 * 3376, RFC 3810, RFC 4541).
 */
public record MulticastQuerierSpec(
        @Field(
                        "IPv4 address that is asked from, and the lowest of which wins where several ask. Absent:"
                                + " 0.0.0.0, which gives way to everybody. For IPv6 it is a link-local address"
                                + " of the network's own.")
                Optional<IpPrefix> address,
        @Field(
                        value = "Seconds between two general queries.",
                        defaultValue = "125",
                        min = 5,
                        max = 3600)
                int intervalSeconds,
        @Field(
                        value = "Seconds in which stations are to answer; less than the interval.",
                        defaultValue = "10",
                        min = 1,
                        max = 12)
                int responseSeconds,
        @Field(
                        value =
                                "Version of IGMP that is asked in: 3, which stations of version 2 understand, or 2 where"
                                        + " some do not.",
                        defaultValue = "3",
                        min = 2,
                        max = 3)
                int igmpVersion) {
    /** Seconds after which a port that does not answer wants a group no more, at least. */
    public int membershipSeconds() {
        return 2 * intervalSeconds + responseSeconds;
    }
}
