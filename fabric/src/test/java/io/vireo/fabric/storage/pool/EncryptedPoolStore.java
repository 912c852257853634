package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import java.util.List;

/**
 * A storage pool of encrypted volumes as the crash tests drive it. Each opening has the master key
 * that the one before did not have as its current one, and wraps all data keys anew.
 */
final class EncryptedPoolStore extends PoolStore {
    private final boolean checksums;
    private int openings;

    EncryptedPoolStore() {
        this(false);
    }

    /**
     * @param checksums whether volumes that are made have them
     */
    EncryptedPoolStore(boolean checksums) {
        this.checksums = checksums;
    }

    @Override
    public Store open(List<BlockDevice> disks, Reactor reactor) {
        PoolCheckReport report = PoolCheck.run(disks, reactor);
        if (!report.isSound()) {
            throw new IllegalStateException("the checker says: " + report.findings());
        }
        StoragePool pool = StoragePool.open(disks, reactor, OPTIONS);
        int now = 1 + openings++ % 2;
        pool.keys(new TestKeys(now, java.util.Optional.of(3 - now)));
        if (pool.keyStatus().unknown() > 0) {
            throw new IllegalStateException("a key was lost: " + pool.keyStatus());
        }
        pool.rewrapKeys();
        return new Encrypted(pool, checksums);
    }

    private static final class Encrypted extends Open {
        private final boolean checksums;

        Encrypted(StoragePool pool, boolean checksums) {
            super(pool, checksums);
            this.checksums = checksums;
        }

        @Override
        public void create(String name, long capacity) {
            pool().createVolume(name, new VolumeFormat(capacity, 512, 4096, true, checksums));
        }

        @Override
        public BlockDevice device(String name) {
            pool().unlock(name);
            return pool().device(name);
        }
    }
}
