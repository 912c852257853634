package io.vireo.resource.spec;

import io.vireo.resource.Field;
import java.util.OptionalInt;

/** How many frames per second that go to many a port may send. */
public record StormControlSpec(
        @Field(
                        value = "Broadcasts per second. Absent: no limit.",
                        min = 1,
                        max = Limits.FRAME_RATE_MAX)
                OptionalInt broadcast,
        @Field(
                        value = "Multicasts per second. Absent: no limit.",
                        min = 1,
                        max = Limits.FRAME_RATE_MAX)
                OptionalInt multicast,
        @Field(
                        value =
                                "Frames per second to an address that the switch does not know. Absent: no limit.",
                        min = 1,
                        max = Limits.FRAME_RATE_MAX)
                OptionalInt unknownUnicast,
        @Field(
                        value = "Frames of each sort that may come at once after silence.",
                        defaultValue = "64",
                        min = 1,
                        max = Limits.FRAME_RATE_MAX)
                int burst) {}
