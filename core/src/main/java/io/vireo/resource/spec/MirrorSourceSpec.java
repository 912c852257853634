package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import java.util.Optional;

/** A port whose frames are copied: a vNIC or the uplink. */
public record MirrorSourceSpec(
        @Field(value = "Name of a Vnic, like web1.eth0.", pattern = MirrorSourceSpec.VNIC)
                Optional<String> vnic,
        @Field(
                        value = "Name of the network's Uplink, instead of a vNIC.",
                        pattern = Names.LABEL,
                        maxLength = Names.MAX_LENGTH)
                Optional<String> uplink,
        @Field(
                        value =
                                "Which of its frames: ingress are those that come from the port, egress those that go"
                                        + " to it.",
                        defaultValue = "both")
                MirrorSpec.Direction direction) {
    /** The name of a Vnic, as a regular expression. */
    static final String VNIC = Names.LABEL + "\\." + Names.DEVICE;
}
