package io.vireo.block;

/**
 * What a volume is to look like.
 *
 * @param capacity bytes; a multiple of {@code logicalBlockSize}
 * @param logicalBlockSize bytes, 512 or 4096
 * @param physicalBlockSize bytes, 512 or 4096, not below the logical
 * @param encrypted whether its data is encrypted at rest
 * @param checksums whether each 4 KiB have a checksum
 */
public record VolumeFormat(
        long capacity,
        int logicalBlockSize,
        int physicalBlockSize,
        boolean encrypted,
        boolean checksums) {
    /** A volume without checksums. */
    public VolumeFormat(
            long capacity, int logicalBlockSize, int physicalBlockSize, boolean encrypted) {
        this(capacity, logicalBlockSize, physicalBlockSize, encrypted, false);
    }

    /** A volume that is not encrypted, without checksums. */
    public VolumeFormat(long capacity, int logicalBlockSize, int physicalBlockSize) {
        this(capacity, logicalBlockSize, physicalBlockSize, false);
    }
}
