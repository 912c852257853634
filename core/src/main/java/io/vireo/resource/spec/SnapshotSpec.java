package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Spec;
import java.util.Optional;

/** A vDisk as it was at one moment. */
public record SnapshotSpec(
        @Field(
                        value = "Name of the Vdisk that it is made of, in a pool of type disks.",
                        pattern = Names.LABEL)
                String vdisk,
        @Field(
                        value =
                                "Name of a SnapshotGroup, or of a group that a SnapshotSchedule has made, out of which it"
                                        + " takes the snapshot of the vDisk. Absent: it is made now.",
                        pattern = Names.LABEL)
                Optional<String> from)
        implements Spec {}
