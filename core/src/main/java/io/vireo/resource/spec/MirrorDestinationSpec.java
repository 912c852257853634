package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import java.util.Optional;

/** The port that gets copies: a vNIC or the uplink. */
public record MirrorDestinationSpec(
        @Field(value = "Name of a Vnic, like probe.eth0.", pattern = MirrorSourceSpec.VNIC)
                Optional<String> vnic,
        @Field(
                        value = "Name of the network's Uplink, instead of a vNIC.",
                        pattern = Names.LABEL,
                        maxLength = Names.MAX_LENGTH)
                Optional<String> uplink,
        @Field(
                        value =
                                "Whether it stays an ordinary port beside. Otherwise it gets copies only, and what it"
                                        + " sends is dropped.",
                        defaultValue = "false")
                boolean shared) {}
