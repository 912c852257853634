package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Quantity;
import java.util.Optional;

/** How much of a pool vDisks with a label may have together. */
public record QuotaSpec(
        @Field(
                        value =
                                "The label of the vDisks that it is for, as KEY=VALUE: tenant=blue."
                                        + " Each label once.",
                        pattern = Forms.LABEL_AND_VALUE,
                        maxLength = 511)
                String label,
        @Field("Bytes that their sizes may add up to, for example 2Ti. Absent: any number.")
                Optional<Quantity> logical,
        @Field(
                        "Bytes that they may have allocated together, for pools of type disks; writes that need more are"
                                + " held as when the pool is full. Absent: any number.")
                Optional<Quantity> allocated,
        @Field(
                        value = "Percentage of either from which on the pool's condition says so.",
                        defaultValue = "80",
                        min = 1,
                        max = 100)
                int warnPercent) {}
