package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Quantity;
import io.vireo.resource.Spec;
import java.util.Optional;
import java.util.OptionalInt;

/** Rates, shares and reservations of vDisks and vHBAs. */
public record DiskQosPolicySpec(
        @Field("Rates of reads. Absent: no bounds.") Optional<Rates> read,
        @Field("Rates of writes, and of all else that is not a read. Absent: no bounds.")
                Optional<Rates> write,
        @Field("Rates of all requests together. Absent: no bounds.") Optional<Rates> total,
        @Field(
                        value =
                                "Part of a busy pool that a vDisk gets, in relation to the shares of the others.",
                        defaultValue = "100",
                        min = 1,
                        max = 10_000)
                int shares,
        @Field(
                        value =
                                "Requests of up to 16 KiB per second of the pool that the vDisk, or all LUNs of the vHBA"
                                        + " in that pool together, have whatever the others do. Absent: none.",
                        min = 1,
                        max = Limits.IOPS_MAX)
                OptionalInt reservation,
        @Field(
                        "The same in bytes per second, of requests of 16 KiB or a multiple, 16Ki to 1Ti: 100Mi. If both"
                                + " are there the larger one is reserved. Absent: none.")
                Optional<Quantity> reservedBandwidth)
        implements Spec {
    /** The rates of one kind of requests. */
    public record Rates(
            @Field(value = "Requests per second. Absent: no bound.", min = 1, max = Limits.IOPS_MAX)
                    OptionalInt iops,
            @Field(
                            value =
                                    "Requests that may pass at once after a pause. Absent: those of 100 ms.",
                            min = 1,
                            max = Limits.IOPS_MAX)
                    OptionalInt iopsBurst,
            @Field("Bytes per second, 4Ki to 1Ti: 100Mi. Absent: no bound.")
                    Optional<Quantity> bandwidth,
            @Field("Bytes that may pass at once after a pause. Absent: those of 100 ms.")
                    Optional<Quantity> bandwidthBurst) {}
}
