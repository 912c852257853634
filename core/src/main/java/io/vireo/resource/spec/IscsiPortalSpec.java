package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Spec;
import java.util.Optional;

/** Where iSCSI initiators connect. */
public record IscsiPortalSpec(
        @Field(
                        value =
                                "IPv4 or IPv6 address of this host to listen at; 0.0.0.0 or :: for all of a family.",
                        maxLength = 64)
                String address,
        @Field(
                        value = "TCP port; 0 for a free one, which the status tells.",
                        defaultValue = "3260",
                        min = 0,
                        max = 65535)
                int port,
        @Field(
                        value =
                                "Target portal group tag. Portals of one group lead to the same target port, those of"
                                        + " different groups to paths of their own.",
                        defaultValue = "1",
                        min = 0,
                        max = 65535)
                int group,
        @Field(
                        "CHAP of discovery sessions. Absent: anybody may ask, and learns what it may log in to.")
                Optional<ChapSpec> discoveryChap)
        implements Spec {}
