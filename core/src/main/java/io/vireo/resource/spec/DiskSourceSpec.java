package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Quantity;
import java.util.Optional;

/** An image file that a vDisk begins with. */
public record DiskSourceSpec(
        @Field(
                        value =
                                "Path of the image file below the daemon's directory of images: debian.qcow2.",
                        pattern = Limits.IMAGE_FILE,
                        maxLength = 1024)
                String file,
        @Field("Format of the file; it is not guessed.") DiskImageFormat format,
        @Field("Bytes per second that are copied at most. Absent: no bound.")
                Optional<Quantity> rate) {}
