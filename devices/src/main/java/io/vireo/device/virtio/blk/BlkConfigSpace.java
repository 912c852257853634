package io.vireo.device.virtio.blk;

import io.vireo.block.BlockGeometry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** The configuration space, struct virtio_blk_config of VIRTIO 1.3, 5.2.4. */
final class BlkConfigSpace {
    /** Up to the end of the zone characteristics, which stay 0. */
    static final int SIZE = 96;

    static final int WRITEBACK = 32;

    private static final int CAPACITY = 0;
    private static final int SEG_MAX = 12;
    private static final int BLK_SIZE = 20;
    private static final int PHYSICAL_BLOCK_EXP = 24;
    private static final int MIN_IO_SIZE = 26;
    private static final int OPT_IO_SIZE = 28;
    private static final int NUM_QUEUES = 34;
    private static final int MAX_DISCARD_SECTORS = 36;
    private static final int MAX_DISCARD_SEG = 40;
    private static final int DISCARD_SECTOR_ALIGNMENT = 44;
    private static final int MAX_WRITE_ZEROES_SECTORS = 48;
    private static final int MAX_WRITE_ZEROES_SEG = 52;
    private static final int WRITE_ZEROES_MAY_UNMAP = 56;

    private BlkConfigSpace() {}

    /**
     * The space as the driver reads it.
     *
     * @param segMax data ranges of one request at most
     * @param discardSegments segments of one DISCARD or WRITE_ZEROES at most
     */
    static byte[] encode(
            BlockGeometry geometry,
            int queues,
            int segMax,
            int discardSegments,
            boolean writeback) {
        byte[] space = new byte[SIZE];
        ByteBuffer out = ByteBuffer.wrap(space).order(ByteOrder.LITTLE_ENDIAN);
        int logical = geometry.logicalBlockSize();
        int perBlock = geometry.toldPhysicalBlockSize() / logical;
        int maxDiscard = maxDiscardSectors(geometry);
        out.putLong(CAPACITY, geometry.capacity() >>> BlkProtocol.SECTOR_SHIFT);
        out.putInt(SEG_MAX, segMax);
        out.putInt(BLK_SIZE, logical);
        out.put(PHYSICAL_BLOCK_EXP, (byte) Integer.numberOfTrailingZeros(perBlock));
        out.putShort(MIN_IO_SIZE, (short) (geometry.physicalBlockSize() / logical));
        out.putInt(OPT_IO_SIZE, geometry.optimalIoSize() / logical);
        out.put(WRITEBACK, (byte) (writeback ? 1 : 0));
        out.putShort(NUM_QUEUES, (short) queues);
        out.putInt(MAX_DISCARD_SECTORS, maxDiscard);
        out.putInt(MAX_DISCARD_SEG, discardSegments);
        out.putInt(
                DISCARD_SECTOR_ALIGNMENT,
                Math.max(1, geometry.discardAlignment() >>> BlkProtocol.SECTOR_SHIFT));
        out.putInt(MAX_WRITE_ZEROES_SECTORS, maxDiscard);
        out.putInt(MAX_WRITE_ZEROES_SEG, discardSegments);
        out.put(WRITE_ZEROES_MAY_UNMAP, (byte) 1);
        return space;
    }

    /** Sectors of one segment at most: whole blocks, and not more than the field holds. */
    static int maxDiscardSectors(BlockGeometry geometry) {
        long perBlock = geometry.logicalBlockSize() >>> BlkProtocol.SECTOR_SHIFT;
        long sectors = geometry.maxDiscardBytes() >>> BlkProtocol.SECTOR_SHIFT;
        return (int) (Math.min(sectors, Integer.MAX_VALUE) / perBlock * perBlock);
    }
}
