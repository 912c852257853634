package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Spec;
import java.util.List;

/** Snapshots of several vDisks at one moment. */
public record SnapshotGroupSpec(
        @Field(
                        value = "Names of the Vdisks, all in one pool of type disks.",
                        pattern = Names.LABEL,
                        maxLength = 64)
                List<String> vdisks)
        implements Spec {
    public SnapshotGroupSpec {
        vdisks = List.copyOf(vdisks);
    }
}
