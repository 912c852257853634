package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Quantity;
import java.util.Optional;

/** How a vDisk is moved when its pool or its allocation changes. */
public record MigrationSpec(
        @Field("Bytes per second that are copied at most. Absent: no bound.")
                Optional<Quantity> rate) {}
