package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Spec;
import java.util.List;

/** Snapshots of vDisks again and again, of which the latest are kept. */
public record SnapshotScheduleSpec(
        @Field(
                        value =
                                "Names of the Vdisks, all in one pool of type disks; their snapshots are of one moment.",
                        pattern = Names.LABEL,
                        maxLength = 64)
                List<String> vdisks,
        @Field(
                        value =
                                "Minutes from one to the next, counted from midnight UTC of 1970-01-01.",
                        min = 1,
                        max = 525_600)
                int everyMinutes,
        @Field(
                        value = "Minutes by which they are later than that.",
                        defaultValue = "0",
                        min = 0,
                        max = 525_599)
                int offsetMinutes,
        @Field(value = "How many are kept, the latest ones.", min = 1, max = 1000) int keep)
        implements Spec {
    public SnapshotScheduleSpec {
        vdisks = List.copyOf(vdisks);
    }
}
