package io.vireo.testkit;

import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeFormat;

/** A pool without limits, and nothing in it; a test overrides what it asks beyond that. */
public class EmptyPool implements BlockPool {
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
    public boolean exists(String volume) {
        return false;
    }

    @Override
    public boolean keepsData() {
        return true;
    }

    @Override
    public void delete(String volume, boolean evenIfWritten) {
        throw new UnsupportedOperationException(volume);
    }

    @Override
    public PoolSpace space() {
        return new PoolSpace(0, 0);
    }

    @Override
    public void close() {
        // Nothing was taken.
    }
}
