package io.vireo.fabric.storage.transfer;

import io.vireo.block.BlockDevice;
import io.vireo.block.DiskImageReader;
import io.vireo.block.DiskImages;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Quantity;
import io.vireo.resource.ResourceException;
import io.vireo.resource.spec.DiskSourceSpec;

/** Copies an image file to a device, durably. */
final class ImportWork implements Transfer.Work {
    private final DiskImages images;
    private final DiskSourceSpec source;
    private final BlockDevice device;
    private final Reactor reactor;
    private final Runnable whenDurable;

    /** Whether the device reads as zeroes. */
    private boolean empty;

    /**
     * @param empty whether the device reads as zeroes; else it is emptied first
     * @param whenDurable runs when all is copied and durable, before the copy counts as done
     */
    ImportWork(
            DiskImages images,
            DiskSourceSpec source,
            BlockDevice device,
            Reactor reactor,
            boolean empty,
            Runnable whenDurable) {
        this.images = images;
        this.source = source;
        this.device = device;
        this.reactor = reactor;
        this.empty = empty;
        this.whenDurable = whenDurable;
    }

    /**
     * Whether an image could be imported to a device of this capacity.
     *
     * @throws ResourceException if it cannot
     */
    static void check(DiskImages images, DiskSourceSpec source, long capacity) {
        try (var reader = images.open(source.file(), source.format())) {
            checkSize(reader, capacity);
        }
    }

    private static void checkSize(DiskImageReader reader, long capacity) {
        if (reader.capacity() > capacity) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    reader.name()
                            + " holds a disk of "
                            + new Quantity(reader.capacity())
                            + ", more than the vDisk's "
                            + new Quantity(capacity)
                            + ": set the size of the Vdisk to that at least");
        }
    }

    @Override
    public void run(Transfer transfer) {
        try (var reader = images.open(source.file(), source.format());
                var pipe = new BlockPipe(device, reactor)) {
            transfer.using(pipe);
            try {
                checkSize(reader, device.geometry().capacity());
                transfer.begins(reader.capacity(), reader.notes());
                if (!empty) {
                    clear(transfer, pipe);
                }
                empty = false;
                copy(transfer, reader, pipe);
                pipe.flush();
            } finally {
                transfer.using(null);
            }
        }
        whenDurable.run();
    }

    /** What an earlier attempt wrote must not show through. */
    private void clear(Transfer transfer, BlockPipe pipe) {
        long capacity = device.geometry().capacity();
        long step = Math.max(device.geometry().maxDiscardBytes(), BlockPipe.CHUNK);
        step -= step % BlockPipe.CHUNK;
        for (long at = 0; at < capacity; at += step) {
            transfer.proceed(0, 0);
            pipe.zero(at, Math.min(step, capacity - at));
        }
    }

    private void copy(Transfer transfer, DiskImageReader reader, BlockPipe pipe) {
        byte[] data = new byte[BlockPipe.CHUNK];
        long end = reader.capacity();
        int block = device.geometry().logicalBlockSize();
        for (long at = next(reader, 0, end); at < end; ) {
            int length = (int) Math.min(BlockPipe.CHUNK - at % BlockPipe.CHUNK, end - at);
            transfer.proceed(at, length);
            reader.read(at, data, length);
            if (!Transfer.isZero(data, length)) {
                // An image may end within a block of the device.
                int whole = (length + block - 1) / block * block;
                java.util.Arrays.fill(data, length, whole, (byte) 0);
                pipe.write(at, data, whole);
            }
            at = next(reader, at + length, end);
        }
        transfer.proceed(end, 0);
    }

    /** The next piece begins at a block, whatever the clusters of the image are. */
    private static long next(DiskImageReader reader, long from, long end) {
        if (from >= end) {
            return end;
        }
        long data = reader.nextData(from);
        return data >= end ? end : Math.max(from, data - data % 4096);
    }
}
