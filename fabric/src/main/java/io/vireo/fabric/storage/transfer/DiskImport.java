package io.vireo.fabric.storage.transfer;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.DiskImages;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.ReactorGroup;
import io.vireo.resource.RealizeContext;
import io.vireo.resource.spec.DiskSourceSpec;
import java.util.Optional;

/**
 * The import of a vDisk. As long as it is not complete and durable there is an empty volume beside
 * the vDisk's, which says so: a daemon that was killed begins anew, and a half of an image never
 * becomes a disk.
 */
public final class DiskImport {
    /** Not a name that a vDisk can have. */
    private static final String MARKER = ".import";

    private static final VolumeFormat MARKER_FORMAT = new VolumeFormat(4096, 512, 512);

    private DiskImport() {}

    /**
     * Makes the vDisk's volume, if it was not made before, and what says that its contents are
     * missing.
     *
     * @return whether the volume is new, and reads as zeroes
     * @throws io.vireo.resource.ResourceException if the image cannot be imported; nothing was made
     */
    public static boolean prepare(
            BlockPool pool,
            String volume,
            VolumeFormat format,
            DiskSourceSpec source,
            RealizeContext context) {
        if (context.provisioned()) {
            return false;
        }
        ImportWork.check(context.service(DiskImages.class), source, format.capacity());
        if (pool.exists(volume + MARKER)) {
            return false;
        }
        pool.create(volume, format);
        pool.create(volume + MARKER, MARKER_FORMAT);
        return true;
    }

    /** Whether the contents of a vDisk are missing. */
    public static boolean isMissing(BlockPool pool, String volume) {
        return pool.exists(volume + MARKER);
    }

    /** Takes away what says so; nothing happens if there is nothing. */
    public static void forget(BlockPool pool, String volume) {
        pool.delete(volume + MARKER, true);
    }

    /**
     * The import, not started yet, if the contents of the vDisk are missing.
     *
     * @param empty whether the device reads as zeroes
     */
    public static Optional<Transfer> of(
            BlockPool pool,
            String volume,
            BlockDevice device,
            boolean empty,
            DiskSourceSpec source,
            RealizeContext context) {
        if (!isMissing(pool, volume)) {
            return Optional.empty();
        }
        var work =
                new ImportWork(
                        context.service(DiskImages.class),
                        source,
                        device,
                        device.home().orElseGet(context.service(ReactorGroup.class)::next),
                        empty,
                        () -> forget(pool, volume));
        return Optional.of(
                new Transfer("import-" + volume, source.rate(), work, context.statusChanged()));
    }
}
