package io.vireo.device.virtio.blk;

import io.vireo.block.BlockStatus;

/** Numbers of the protocol, VIRTIO 1.3, 5.2.3, 5.2.4 and 5.2.6. */
final class BlkProtocol {
    static final int DEVICE_TYPE = 2;

    // VIRTIO_BLK_F_*
    static final long F_SEG_MAX = 1L << 2;
    static final long F_RO = 1L << 5;
    static final long F_BLK_SIZE = 1L << 6;
    static final long F_FLUSH = 1L << 9;
    static final long F_TOPOLOGY = 1L << 10;
    static final long F_CONFIG_WCE = 1L << 11;
    static final long F_MQ = 1L << 12;
    static final long F_DISCARD = 1L << 13;
    static final long F_WRITE_ZEROES = 1L << 14;

    // VIRTIO_BLK_T_*
    static final int T_IN = 0;
    static final int T_OUT = 1;
    static final int T_FLUSH = 4;
    static final int T_GET_ID = 8;
    static final int T_DISCARD = 11;
    static final int T_WRITE_ZEROES = 13;

    // VIRTIO_BLK_S_*
    static final byte S_OK = 0;
    static final byte S_IOERR = 1;
    static final byte S_UNSUPP = 2;

    /** Unit of sectors and capacity, whatever the block size. */
    static final int SECTOR = 512;

    static final int SECTOR_SHIFT = 9;

    /** Bytes of {@code type}, {@code reserved} and {@code sector}. */
    static final int HEADER = 16;

    /** Bytes of the string that GET_ID gives. */
    static final int ID_BYTES = 20;

    /** Bytes of struct virtio_blk_discard_write_zeroes. */
    static final int SEGMENT = 16;

    static final int SEGMENT_UNMAP = 1;

    private BlkProtocol() {}

    /** What the driver is told. */
    static byte wire(BlockStatus status) {
        return switch (status) {
            case OK -> S_OK;
            case UNSUPPORTED -> S_UNSUPP;
            case IO_ERROR, INVALID, READ_ONLY, NO_SPACE, MEMORY_FAULT, CANCELLED -> S_IOERR;
        };
    }
}
