package io.vireo.resource.spec;

import io.vireo.resource.Field;
import io.vireo.resource.Names;
import io.vireo.resource.Spec;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/** A place that holds vDisks. */
public record PoolSpec(
        @Field(value = "What holds the data.", defaultValue = "directory") Type type,
        @Field(
                        value =
                                "Absolute path of the directory, or of the disk or file of a pool"
                                        + " of type image; needed for, and only for, these types.",
                        pattern = Forms.ABSOLUTE_PATH,
                        maxLength = 1024)
                Optional<String> path,
        @Field(value = "How files are read and written.", defaultValue = "auto") Backend backend,
        @Field(
                        value = "Whether the host's page cache is bypassed (O_DIRECT).",
                        defaultValue = "true")
                boolean directIo,
        @Field(
                        value =
                                "Requests of up to 16 KiB per second that it can do: what shares and reservations are"
                                        + " parts of, and nothing passes beyond it. Absent: nothing is shared out.",
                        min = 1,
                        max = Limits.IOPS_MAX)
                OptionalInt iops,
        @Field(
                        value =
                                "Name of the DiskQosPolicy of the vDisks that have none of their own. Absent: none.",
                        pattern = Names.LABEL)
                Optional<String> qosPolicy,
        @Field("Its disks; needed for, and only for, the type disks.") Optional<DisksSpec> disks,
        @Field(
                        value =
                                "Percentage of its room that is used from which on it says that it is nearly full.",
                        defaultValue = "80",
                        min = 1,
                        max = 100)
                int warnPercent,
        @Field("How its vDisks are encrypted; only for the type disks. Absent: they are not.")
                Optional<EncryptionSpec> encryption,
        @Field(
                        value =
                                "How much of it vDisks with a label may have together, of a tenant for instance.",
                        maxLength = 1000)
                List<QuotaSpec> quotas)
        implements Spec {
    public PoolSpec {
        quotas = List.copyOf(quotas);
    }

    /** A pool that encrypts nothing and has no quotas. */
    public PoolSpec(
            Type type,
            Optional<String> path,
            Backend backend,
            boolean directIo,
            OptionalInt iops,
            Optional<String> qosPolicy,
            Optional<DisksSpec> disks,
            int warnPercent) {
        this(
                type,
                path,
                backend,
                directIo,
                iops,
                qosPolicy,
                disks,
                warnPercent,
                Optional.empty(),
                List.of());
    }

    /** Kinds of pool. */
    public enum Type {
        /** Sparse raw files in one directory. */
        DIRECTORY,
        /** Disks of the host in Vireo's own format: thin vDisks, snapshots, clones. */
        DISKS,
        /** One raw disk or file of the host as it is, which is its one vDisk. */
        IMAGE,
        /**
         * Keeps nothing: forgets writes, and a read leaves the guest's buffer as it is; for
         * benchmarks.
         */
        NULLIO,
        /** The daemon's memory: vDisks are empty whenever it starts. */
        RAM
    }

    /** Ways to do file I/O. */
    public enum Backend {
        /** io_uring where the kernel allows it, else threads. */
        AUTO,
        /** io_uring, io_uring(7); the pool fails where it is not allowed. */
        URING,
        /** System calls on a pool of threads. */
        THREADS
    }
}
