package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.StoreUnderTest;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * A storage pool as the crash tests drive it: small chunks and a small journal, which wraps often.
 */
public class PoolStore implements StoreUnderTest {
    static final PoolConfig CONFIG = new PoolConfig(16 << 10, 64 << 10, true, true);

    /** The same in each opening: who comes back after a crash. */
    static final PoolOwner OWNER = new PoolOwner(UUID.randomUUID(), "test");

    static final PoolOptions OPTIONS =
            new PoolOptions(Duration.ofSeconds(5), Duration.ofSeconds(1), new PoolEvents() {})
                    .by(OWNER);

    private final boolean checksums;

    public PoolStore() {
        this(false);
    }

    /**
     * @param checksums whether volumes that are made have them
     */
    public PoolStore(boolean checksums) {
        this.checksums = checksums;
    }

    @Override
    public void create(List<BlockDevice> disks, Reactor reactor) {
        StoragePool.create(CONFIG, disks, reactor);
    }

    @Override
    public Store open(List<BlockDevice> disks, Reactor reactor) {
        PoolCheckReport report = PoolCheck.run(disks, reactor);
        if (!report.isSound()) {
            throw new IllegalStateException("the checker says: " + report.findings());
        }
        return opened(StoragePool.open(disks, reactor, OPTIONS), checksums, reactor);
    }

    /** How the tests see a pool that was opened. */
    protected Store opened(StoragePool pool, boolean sums, Reactor reactor) {
        return new Open(pool, sums);
    }

    /** A pool that is open. */
    static Store opened(StoragePool pool) {
        return new Open(pool, false);
    }

    public static class Open implements Store {
        private final StoragePool pool;

        private final boolean checksums;

        /**
         * @param checksums whether volumes that are made have them
         */
        public Open(StoragePool pool, boolean checksums) {
            this.pool = pool;
            this.checksums = checksums;
        }

        protected StoragePool pool() {
            return pool;
        }

        @Override
        public List<String> volumes() {
            return pool.volumes().stream().map(VolumeInfo::name).toList();
        }

        @Override
        public BlockDevice device(String name) {
            return pool.device(name);
        }

        @Override
        public void create(String name, long capacity) {
            pool.createVolume(name, new VolumeFormat(capacity, 512, 4096, false, checksums));
        }

        @Override
        public void snapshot(String source, String name) {
            pool.snapshot(source, name);
        }

        @Override
        public void snapshotGroup(Map<String, String> names) {
            pool.copy(
                    names.entrySet().stream()
                            .map(each -> CopyOf.snapshot(each.getKey(), each.getValue()))
                            .toList());
        }

        @Override
        public void cloneVolume(String source, String name) {
            pool.cloneVolume(source, name);
        }

        @Override
        public void delete(String name) {
            pool.delete(name);
        }

        @Override
        public void rollback(String volume, String snapshot) {
            pool.rollback(volume, snapshot);
        }

        @Override
        public void grow(String name, long capacity) {
            pool.grow(name, capacity);
        }

        @Override
        public String check() {
            return pool.trouble();
        }

        @Override
        public void abandon() {
            pool.abandon();
        }
    }
}
