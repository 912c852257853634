package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Spec;

/** A vDisk as it was at one moment. */
public record SnapshotSpec(
        @Field(
                        value = "Name of the Vdisk that it is made of, in a pool of type disks.",
                        pattern = Names.LABEL)
                String vdisk)
        implements Spec {}
