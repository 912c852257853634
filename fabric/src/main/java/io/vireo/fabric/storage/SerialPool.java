package io.vireo.fabric.storage;

import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeFormat;

/** A pool that the reconciler and the threads of imports use, one at a time. */
final class SerialPool implements BlockPool {
    private final BlockPool pool;

    SerialPool(BlockPool pool) {
        this.pool = pool;
    }

    @Override
    public String location() {
        return pool.location();
    }

    @Override
    public synchronized void create(String volume, VolumeFormat format) {
        pool.create(volume, format);
    }

    @Override
    public synchronized BlockVolume open(String volume, VolumeFormat format) {
        return pool.open(volume, format);
    }

    @Override
    public synchronized boolean exists(String volume) {
        return pool.exists(volume);
    }

    @Override
    public synchronized void delete(String volume, boolean evenIfWritten) {
        pool.delete(volume, evenIfWritten);
    }

    @Override
    public PoolSpace space() {
        return pool.space();
    }

    @Override
    public void onFull(Runnable listener) {
        pool.onFull(listener);
    }

    @Override
    public synchronized void close() {
        pool.close();
    }
}
