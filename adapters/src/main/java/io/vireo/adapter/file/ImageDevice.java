package io.vireo.adapter.file;

import io.vireo.block.BlockChannel;
import io.vireo.block.BlockCounters;
import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
import io.vireo.block.BlockMeter;
import io.vireo.block.BlockMeters;
import io.vireo.block.BlockOperation;
import io.vireo.linux.ErrnoException;
import io.vireo.reactor.Reactor;
import java.io.UncheckedIOException;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;

/** A raw image file as a block device. */
public final class ImageDevice implements BlockDevice {
    /** Longest DISCARD or WRITE_ZEROES: bounds the time of the one that has to write its zeroes. */
    private static final long MAX_DISCARD = 1L << 31;

    private final ImageFile image;
    private final HostIoSource engines;
    private final int logicalBlockSize;
    private final int physicalBlockSize;
    private final List<Runnable> listeners = new CopyOnWriteArrayList<>();
    private final BlockMeters meters = new BlockMeters();
    private volatile Runnable noSpace = () -> {};

    /** A device on an image that stays open as long as this is used. */
    public ImageDevice(
            ImageFile image, HostIoSource engines, int logicalBlockSize, int physicalBlockSize) {
        this.image = image;
        this.engines = engines;
        this.logicalBlockSize = logicalBlockSize;
        this.physicalBlockSize = physicalBlockSize;
    }

    @Override
    public BlockGeometry geometry() {
        return new BlockGeometry(
                image.capacity(),
                logicalBlockSize,
                physicalBlockSize,
                image.atomicWriteSize(),
                0,
                MAX_DISCARD,
                Math.max(image.allocationUnit(), logicalBlockSize));
    }

    @Override
    public Set<BlockOperation> operations() {
        return image.writable()
                ? EnumSet.allOf(BlockOperation.class)
                : EnumSet.of(BlockOperation.READ, BlockOperation.FLUSH);
    }

    @Override
    public BlockChannel open(Reactor reactor) {
        HostIo io = engines.acquire(reactor);
        try {
            var channel = new ImageChannel(this, image, image.reopen(), io);
            meters.add(channel.meter());
            return channel;
        } catch (ErrnoException e) {
            io.release();
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public BlockCounters counters() {
        return meters.total();
    }

    @Override
    public void addGeometryListener(Runnable changed) {
        listeners.add(changed);
    }

    @Override
    public void removeGeometryListener(Runnable changed) {
        listeners.remove(changed);
    }

    /**
     * Makes the image longer, durably, and tells the listeners. Any thread, one at a time.
     *
     * @throws ErrnoException if the file system refuses
     */
    public void grow(long capacity) throws ErrnoException {
        image.grow(capacity);
        listeners.forEach(Runnable::run);
    }

    /**
     * Looks whether what it lies on has become larger, and tells the listeners then. Any thread,
     * one at a time.
     */
    public void look() throws ErrnoException {
        if (image.look()) {
            listeners.forEach(Runnable::run);
        }
    }

    /**
     * Whom to tell of each request that fails for want of room, on the reactor of its channel; must
     * not block. There is one at a time.
     */
    public void onNoSpace(Runnable listener) {
        noSpace = listener;
    }

    void noSpace() {
        noSpace.run();
    }

    void channelClosed(BlockMeter meter) {
        meters.close(meter);
    }
}
