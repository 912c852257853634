package io.vireo.block;

import io.vireo.resource.spec.PoolSpec;
import java.nio.file.Path;
import java.util.OptionalLong;

/**
 * Opens raw disks of the host, block devices and files, that pools keep their own format on. Found
 * by {@link java.util.ServiceLoader}.
 */
public interface HostDisks {
    /**
     * Opens a disk and locks it against other processes.
     *
     * @param path a block device, or a regular file
     * @param make bytes of the sparse file that is made, durably, if there is nothing at {@code
     *     path}, and that a file without any data has at least; empty: it must be there
     * @throws io.vireo.resource.ResourceException UNAVAILABLE if it is absent, IN_USE if another
     *     process or the kernel uses it
     */
    HostDisk open(Path path, OptionalLong make, PoolSpec.Backend backend, boolean directIo);

    /** A disk that is open. */
    interface HostDisk extends AutoCloseable {
        BlockDevice device();

        /**
         * Whether nothing is on it, as far as a look can tell: a file without blocks, a device
         * whose first MiB is zero.
         */
        boolean isBlank();

        /** Whether all of it reads as zeroes for certain: a sparse file nobody has written to. */
        boolean isZeroed();

        /**
         * Looks how large it has become.
         *
         * @param size bytes that a file which is shorter is made to have first, durably
         * @return whether what it has more reads as zeroes for certain
         * @throws io.vireo.resource.ResourceException EXHAUSTED if there is no room for a longer
         *     file
         */
        boolean grow(OptionalLong size);

        /** Closes it; all channels are closed already. */
        @Override
        void close();
    }
}
