package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Quantity;
import io.vireo.resource.Spec;
import java.util.Optional;

/** A virtual disk. */
public record VdiskSpec(
        @Field(
                        value =
                                "Name of the Pool that holds it. When it changes the vDisk moves there, in use.",
                        pattern = Names.LABEL)
                String pool,
        @Field(
                        "Capacity, in bytes or with a suffix (10Gi); a multiple of the block size. It can grow, not shrink.")
                Quantity size,
        @Field(
                        value = "Logical block size in bytes: 512 or 4096.",
                        defaultValue = "512",
                        min = 512,
                        max = 4096)
                int blockSize,
        @Field(
                        value =
                                "What guests are told that I/O is best a multiple of, in bytes: 512 or 4096, not below the"
                                        + " logical. Also the most that they are told as physical block size, which is what the disks keep whole.",
                        defaultValue = "4096",
                        min = 512,
                        max = 4096)
                int physicalBlockSize,
        @Field(
                        value =
                                "Whether room is taken as it is written (thin) or reserved for all of it (thick). Can change, in use.",
                        defaultValue = "thin")
                Allocation allocation,
        @Field(
                        value =
                                "Name of the Snapshot that it begins as; of the same pool. Absent: it begins empty. May be"
                                        + " taken out later, then the snapshot can be deleted.",
                        pattern = Names.LABEL)
                Optional<String> snapshot,
        @Field(
                        value =
                                "Name of its DiskQosPolicy, which wins whole over the pool's. Absent: the pool's.",
                        pattern = Names.LABEL)
                Optional<String> qosPolicy,
        @Field("Image file that it begins with. Absent: it is empty.")
                Optional<DiskSourceSpec> source,
        @Field(
                        "Whether its data is encrypted at rest; fixed when it is made. Absent: as its pool says, or as"
                                + " the snapshot that it begins as.")
                Optional<Boolean> encrypted,
        @Field("How it is moved when its pool or its allocation changes.")
                Optional<MigrationSpec> migration,
        @Field(
                        value =
                                "Whether each 4 KiB of it have a checksum, which is verified whenever they are read. In pools"
                                        + " of type disks. A vDisk that begins as a snapshot has what that has. Cannot change.",
                        defaultValue = "false")
                boolean checksums,
        @Field(
                        value =
                                "Whether chunks that are written with nothing but zeroes take no room. For thin vDisks in pools"
                                        + " of type disks. Can change, in use.",
                        defaultValue = "false")
                boolean zeroDetection,
        @Field(
                        "Whether its neighbouring chunks lie on the pool's disks in turn; false: on"
                                + " the first that has room. Of chunks that it takes from then on. In"
                                + " pools of type disks. Can change, in use. Absent: as its pool says.")
                Optional<Boolean> striped,
        @Field(
                        value =
                                "When a write ends: writeback: it may be lost with the host's power"
                                        + " until it is flushed; writethrough: when it is durable, and"
                                        + " servers are told that there is no write cache. Can change,"
                                        + " in use.",
                        defaultValue = "writeback")
                CacheMode cacheMode)
        implements Spec {
    /** A vDisk that is as its pool says, and is moved without a bound. */
    public VdiskSpec(
            String pool,
            Quantity size,
            int blockSize,
            int physicalBlockSize,
            Allocation allocation,
            Optional<String> snapshot,
            Optional<String> qosPolicy,
            Optional<DiskSourceSpec> source) {
        this(
                pool,
                size,
                blockSize,
                physicalBlockSize,
                allocation,
                snapshot,
                qosPolicy,
                source,
                Optional.empty(),
                Optional.empty(),
                false,
                false,
                Optional.empty(),
                CacheMode.WRITEBACK);
    }

    /** When a write ends. */
    public enum CacheMode {
        /** It may be lost with the host's power until it is flushed. */
        WRITEBACK,
        /** When it is durable. */
        WRITETHROUGH
    }

    /** When a vDisk takes room of its pool. */
    public enum Allocation {
        /** As it is written. */
        THIN,
        /** All of it when it is made. */
        THICK
    }
}
