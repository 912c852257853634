package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Spec;
import java.util.List;
import java.util.OptionalInt;

/** Copies of the frames of some ports of a network for another port of it (SPAN). */
public record MirrorSpec(
        @Field(
                        value = "Name of the Network whose ports are meant.",
                        pattern = Names.LABEL,
                        maxLength = Names.MAX_LENGTH)
                String network,
        @Field(value = "The ports whose frames are copied.", maxLength = MirrorSpec.MAX_SOURCES)
                List<MirrorSourceSpec> sources,
        @Field("The port that gets the copies.") MirrorDestinationSpec destination,
        @Field(
                        value = "Bytes of a frame that are copied, its first ones. Absent: all.",
                        min = 64,
                        max = 65_535)
                OptionalInt snapLength,
        @Field(
                        value = "Copies per second; what is more is lost. Absent: no limit.",
                        min = 1,
                        max = Limits.FRAME_RATE_MAX)
                OptionalInt rateLimit,
        @Field(
                        value = "Copies that may come at once after silence, with rateLimit.",
                        defaultValue = "64",
                        min = 1,
                        max = Limits.FRAME_RATE_MAX)
                int burst)
        implements Spec {
    /** Most sources of a mirror. */
    public static final int MAX_SOURCES = 64;

    /** Which frames of a port are meant, from the switch's point of view. */
    public enum Direction {
        /** Those that come from the port. */
        INGRESS,
        /** Those that go to the port. */
        EGRESS,
        /** All of them. */
        BOTH
    }

    public MirrorSpec {
        sources = List.copyOf(sources);
    }
}
