package io.vireo.device.virtio.blk;

import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.virtqueue.ChainBatch;
import io.vireo.virtqueue.Reader;
import io.vireo.virtqueue.Writer;

/**
 * Turns a chain into a request, however it is framed (struct virtio_blk_req, VIRTIO 1.3, 5.2.6),
 * and checks it whole: what it lets pass a back end need not check again. It may be asked again for
 * the same chain.
 */
final class BlkRequestDecoder {
    /** The request is to be submitted. */
    static final int SUBMIT = -1;

    private final VirtioBlkDevice device;
    private final Reader reader = new Reader();
    private final Writer writer = new Writer();

    BlkRequestDecoder(VirtioBlkDevice device) {
        this.device = device;
    }

    /**
     * Fills the slot for a chain that has a writable byte at least.
     *
     * @return {@link #SUBMIT}, or the status that it ends with at once
     */
    int decode(ChainBatch batch, int chain, BlkSlot slot) {
        slot.begin(batch.head[chain], batch.writableBytes[chain]);
        reader.reset(batch, chain);
        writer.reset(batch, chain);
        int outcome = BlkProtocol.S_IOERR;
        if (reader.remaining() >= BlkProtocol.HEADER) {
            int type = reader.getInt();
            reader.skip(Integer.BYTES);
            outcome = decode(type, reader.getLong(), slot);
        }
        // The status is the last writable byte (5.2.6).
        writer.skip(writer.remaining() - 1);
        slot.statusAddress = writer.address();
        return outcome;
    }

    private int decode(int type, long sector, BlkSlot slot) {
        return switch (type) {
            case BlkProtocol.T_IN -> read(sector, slot);
            case BlkProtocol.T_OUT -> write(sector, slot);
            case BlkProtocol.T_FLUSH -> {
                slot.request.prepare(BlockOperation.FLUSH, 0, 0);
                yield SUBMIT;
            }
            case BlkProtocol.T_GET_ID -> identify();
            case BlkProtocol.T_DISCARD ->
                    device.discards()
                            ? segments(BlockOperation.DISCARD, slot)
                            : BlkProtocol.S_UNSUPP;
            case BlkProtocol.T_WRITE_ZEROES ->
                    device.zeroes()
                            ? segments(BlockOperation.WRITE_ZEROES, slot)
                            : BlkProtocol.S_UNSUPP;
            default -> BlkProtocol.S_UNSUPP;
        };
    }

    private int read(long sector, BlkSlot slot) {
        long length = writer.remaining() - 1;
        if (!inside(sector, length)) {
            return BlkProtocol.S_IOERR;
        }
        BlockRequest request = slot.request;
        request.prepare(BlockOperation.READ, sector << BlkProtocol.SECTOR_SHIFT, length);
        writer.takeInto(request.data(), length);
        return SUBMIT;
    }

    private int write(long sector, BlkSlot slot) {
        long length = reader.remaining();
        if (device.readOnly() || !inside(sector, length)) {
            return BlkProtocol.S_IOERR;
        }
        BlockRequest request = slot.request;
        request.prepare(BlockOperation.WRITE, sector << BlkProtocol.SECTOR_SHIFT, length)
                .forceUnitAccess(device.writeThrough());
        reader.takeInto(request.data(), length);
        return SUBMIT;
    }

    private int identify() {
        if (writer.remaining() - 1 < BlkProtocol.ID_BYTES) {
            return BlkProtocol.S_IOERR;
        }
        writer.copyFrom(device.id(), 0, BlkProtocol.ID_BYTES);
        return BlkProtocol.S_OK;
    }

    private int segments(BlockOperation operation, BlkSlot slot) {
        long bytes = reader.remaining();
        if (device.readOnly()
                || bytes == 0
                || bytes % BlkProtocol.SEGMENT != 0
                || bytes > (long) BlkProtocol.SEGMENT * VirtioBlkDevice.MAX_SEGMENTS) {
            return BlkProtocol.S_IOERR;
        }
        for (long left = bytes; left > 0; left -= BlkProtocol.SEGMENT) {
            long sector = reader.getLong();
            long sectors = Integer.toUnsignedLong(reader.getInt());
            int flags = reader.getInt();
            boolean unmap = (flags & BlkProtocol.SEGMENT_UNMAP) != 0;
            boolean unknown = (flags & ~BlkProtocol.SEGMENT_UNMAP) != 0;
            // 5.2.6.2: reserved flags, and unmap where it makes no sense, are unsupported.
            if (unknown || (unmap && operation == BlockOperation.DISCARD)) {
                return BlkProtocol.S_UNSUPP;
            }
            if (sectors > device.maxDiscardSectors()
                    || !inside(sector, sectors << BlkProtocol.SECTOR_SHIFT)) {
                return BlkProtocol.S_IOERR;
            }
            slot.addSegment(
                    sector << BlkProtocol.SECTOR_SHIFT, sectors << BlkProtocol.SECTOR_SHIFT, unmap);
        }
        slot.nextSegment(operation, device.writeThrough());
        return SUBMIT;
    }

    /** Whether a range is whole blocks, and on the disk; any 64 bits may come as the sector. */
    private boolean inside(long sector, long length) {
        BlockGeometry geometry = device.geometry();
        long blockMask = geometry.logicalBlockSize() - 1;
        long sectors = geometry.capacity() >>> BlkProtocol.SECTOR_SHIFT;
        return (length & blockMask) == 0
                && sector >= 0
                && sector <= sectors - (length >>> BlkProtocol.SECTOR_SHIFT)
                && ((sector << BlkProtocol.SECTOR_SHIFT) & blockMask) == 0;
    }
}
