package io.vireo.resource.spec;

import io.vireo.resource.Field;
import java.util.Optional;

/** How a network finds out who wants which multicasts (IGMP and MLD snooping, RFC 4541). */
public record MulticastSnoopingSpec(
        @Field(
                        value =
                                "Seconds after which a port that did not ask again gets a group no more: twice the"
                                        + " interval of the querier and 10.",
                        defaultValue = "260",
                        min = 10,
                        max = 65_535)
                int membershipSeconds,
        @Field(
                        value =
                                "Whether a port that leaves a group gets it no more at once, without asking whether"
                                        + " others there want it. For ports with one station each.",
                        defaultValue = "false")
                boolean fastLeave,
        @Field(
                        value = "Most groups that a port may ask for; more are refused.",
                        defaultValue = "256",
                        min = 1,
                        max = 4096)
                int groupLimit,
        @Field(
                        value =
                                "Whether multicasts to groups that nobody asked for go to all; otherwise only to"
                                        + " multicast routers.",
                        defaultValue = "true")
                boolean floodUnknown,
        @Field(
                        "Whether stations are asked where no multicast router does so, and how. Absent: they are"
                                + " not.")
                Optional<MulticastQuerierSpec> querier) {}
