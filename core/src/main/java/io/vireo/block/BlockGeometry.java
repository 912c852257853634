package io.vireo.block;

/**
 * Shape of a block device.
 *
 * @param capacity bytes; a multiple of {@code logicalBlockSize}
 * @param logicalBlockSize bytes; unit of addressing: 512 or 4096
 * @param physicalBlockSize bytes; what I/O is best a multiple of, a multiple of {@code
 *     logicalBlockSize}
 * @param atomicWriteSize bytes; an aligned write of so many is on the medium whole or not at all
 *     after a loss of power. A power of two from 512 to {@link #LARGEST_ATOMIC}; less than {@code
 *     logicalBlockSize} if the medium has smaller sectors
 * @param optimalIoSize bytes; 0 if the device has no preference
 * @param maxDiscardBytes largest range of one DISCARD, WRITE_ZEROES or ALLOCATE
 * @param discardAlignment bytes; ranges that are aligned to it free space
 */
public record BlockGeometry(
        long capacity,
        int logicalBlockSize,
        int physicalBlockSize,
        int atomicWriteSize,
        int optimalIoSize,
        long maxDiscardBytes,
        int discardAlignment) {
    /** What devices say at most of the size of writes that are kept whole. */
    public static final int LARGEST_ATOMIC = 4096;

    /** Whether a loss of power leaves each logical block as it was or as it was written. */
    public boolean keepsBlocksWhole() {
        return atomicWriteSize >= logicalBlockSize;
    }

    /**
     * The physical block as servers are told: what is kept whole, and not more than what I/O is
     * best a multiple of. It is never smaller than a logical block, since no protocol can say that
     * this one is not kept whole.
     */
    public int toldPhysicalBlockSize() {
        return Math.max(logicalBlockSize, Math.min(physicalBlockSize, atomicWriteSize));
    }
}
