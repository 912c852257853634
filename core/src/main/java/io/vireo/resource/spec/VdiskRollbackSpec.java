package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Spec;

/** That a vDisk was made again what a snapshot is. */
public record VdiskRollbackSpec(
        @Field(value = "Name of the Vdisk; no server may have it.", pattern = Names.LABEL)
                String vdisk,
        @Field(
                        value =
                                "Name of the Snapshot, one of that vDisk or the one that it began as.",
                        pattern = Names.LABEL)
                String snapshot)
        implements Spec {}
