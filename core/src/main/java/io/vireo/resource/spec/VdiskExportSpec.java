package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Quantity;
import io.vireo.resource.Spec;
import java.util.Optional;

/** A copy of a vDisk to an image file. */
public record VdiskExportSpec(
        @Field(value = "Name of the Vdisk; no server may be writing to it.", pattern = Names.LABEL)
                String vdisk,
        @Field(
                        value =
                                "Path of the image file below the daemon's directory of images; there must be none of"
                                        + " that name.",
                        pattern = Limits.IMAGE_FILE,
                        maxLength = 1024)
                String file,
        @Field(value = "Format of the file.", defaultValue = "qcow2") DiskImageFormat format,
        @Field("Bytes per second that are copied at most. Absent: no bound.")
                Optional<Quantity> rate)
        implements Spec {}
