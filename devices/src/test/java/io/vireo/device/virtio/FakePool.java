package io.vireo.device.virtio;

import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeFormat;

/** A pool that has as much room as the test says, and nothing in it. */
public final class FakePool implements BlockPool {
    /** What it says of its room; at first it has no limit. */
    public volatile PoolSpace space = new PoolSpace(0, 0);

    @Override
    public String location() {
        return "nowhere";
    }

    @Override
    public void create(String volume, VolumeFormat format) {
        throw new UnsupportedOperationException(volume);
    }

    @Override
    public BlockVolume open(String volume, VolumeFormat format) {
        throw new UnsupportedOperationException(volume);
    }

    @Override
    public void delete(String volume, boolean evenIfWritten) {
        throw new UnsupportedOperationException(volume);
    }

    @Override
    public PoolSpace space() {
        return space;
    }

    @Override
    public int warnPercent() {
        return 80;
    }

    @Override
    public void close() {
        // Nothing was taken.
    }
}
