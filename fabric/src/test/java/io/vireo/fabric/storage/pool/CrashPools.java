package io.vireo.fabric.storage.pool;

import io.vireo.block.BlockDevice;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import java.util.List;

/** A small pool on one disk that may lose its power, for tests of what uses pools. */
public final class CrashPools {
    private final StoragePool pool;

    /** Opens it. */
    public CrashPools(BlockDevice disk, Reactor reactor) {
        pool = StoragePool.open(List.of(disk), reactor, PoolStore.OPTIONS);
    }

    /** Makes an empty one. */
    public static void create(BlockDevice disk, Reactor reactor) {
        StoragePool.create(PoolStore.CONFIG, List.of(disk), reactor);
    }

    /** Opens it after the checker had nothing to say. */
    public static CrashPools reopen(BlockDevice disk, Reactor reactor) {
        PoolCheckReport report = PoolCheck.run(List.of(disk), reactor);
        if (!report.isSound()) {
            throw new IllegalStateException("the checker says: " + report.findings());
        }
        return new CrashPools(disk, reactor);
    }

    /** The pool. */
    public StoragePool pool() {
        return pool;
    }

    /** Gives it a master key. */
    public CrashPools withKeys() {
        pool.keys(new TestKeys(1));
        return this;
    }

    /** A new volume. */
    public BlockDevice volume(String name, long capacity) {
        pool.createVolume(name, new VolumeFormat(capacity, 512, 4096));
        return pool.device(name);
    }

    /** Whether there is a volume of this name. */
    public boolean has(String name) {
        return pool.volumes().stream().anyMatch(each -> each.name().equals(name));
    }

    public BlockDevice device(String name) {
        return pool.device(name);
    }

    public void rename(String name, String newName) {
        pool.rename(name, newName);
    }

    /** Gives memory back, and changes nothing. */
    public void abandon() {
        pool.abandon();
    }
}
