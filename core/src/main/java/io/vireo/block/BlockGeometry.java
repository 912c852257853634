package io.vireo.block;

/**
 * Shape of a block device.
 *
 * @param capacity bytes; a multiple of {@code logicalBlockSize}
 * @param logicalBlockSize bytes; unit of addressing: 512 or 4096
 * @param physicalBlockSize bytes; unit that the medium writes atomically and without reading; a
 *     multiple of {@code logicalBlockSize}
 * @param optimalIoSize bytes; 0 if the device has no preference
 * @param maxDiscardBytes largest range of one DISCARD, WRITE_ZEROES or ALLOCATE
 * @param discardAlignment bytes; ranges that are aligned to it free space
 */
public record BlockGeometry(
        long capacity,
        int logicalBlockSize,
        int physicalBlockSize,
        int optimalIoSize,
        long maxDiscardBytes,
        int discardAlignment) {}
