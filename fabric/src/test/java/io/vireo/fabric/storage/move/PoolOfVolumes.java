package io.vireo.fabric.storage.move;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolSpace;
import io.vireo.block.VolumeFormat;
import io.vireo.block.VolumeSnapshot;
import io.vireo.fabric.storage.pool.CopyOf;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.fabric.storage.pool.VolumeInfo;
import java.time.Instant;
import java.util.List;

/** The engine's pool as what moves volumes sees it. */
final class PoolOfVolumes implements BlockPool {
    private final StoragePool pool;

    PoolOfVolumes(StoragePool pool) {
        this.pool = pool;
    }

    @Override
    public String location() {
        return "simulated disks";
    }

    @Override
    public void create(String volume, VolumeFormat format) {
        pool.createVolume(volume, format);
    }

    @Override
    public void createThick(String volume, VolumeFormat format) {
        pool.createDedicatedVolume(volume, format);
    }

    @Override
    public boolean exists(String volume) {
        return pool.volumes().stream().anyMatch(each -> each.name().equals(volume));
    }

    @Override
    public BlockVolume open(String volume, VolumeFormat format) {
        return new Opened(volume, pool.device(volume));
    }

    @Override
    public boolean hasSnapshots() {
        return true;
    }

    @Override
    public List<VolumeSnapshot> snapshotsOf(String volume) {
        return VolumeInfo.snapshotsOf(volume, pool.volumes()).stream()
                .map(each -> new VolumeSnapshot(each.name(), Instant.ofEpochMilli(each.created())))
                .toList();
    }

    @Override
    public void createSnapshot(String volume, String snapshot, Instant made) {
        pool.copy(List.of(CopyOf.snapshot(volume, snapshot, made)));
    }

    @Override
    public BlockVolume openSnapshot(String snapshot) {
        return new Opened(snapshot, pool.device(snapshot));
    }

    @Override
    public void deleteSnapshot(String snapshot) {
        delete(snapshot, true);
    }

    @Override
    public boolean keepsData() {
        return true;
    }

    @Override
    public void delete(String volume, boolean evenIfWritten) {
        if (exists(volume)) {
            pool.delete(volume);
        }
    }

    @Override
    public PoolSpace space() {
        return new PoolSpace(0, 0);
    }

    @Override
    public String trouble() {
        return pool.trouble();
    }

    @Override
    public void close() {
        pool.close();
    }

    private final class Opened implements BlockVolume {
        private String name;
        private final BlockDevice device;

        Opened(String name, BlockDevice device) {
            this.name = name;
            this.device = device;
            pool.unlock(name);
        }

        @Override
        public BlockDevice device() {
            return device;
        }

        @Override
        public void grow(long capacity) {
            pool.grow(name, capacity);
        }

        @Override
        public void rename(String newName) {
            pool.rename(name, newName);
            name = newName;
        }

        @Override
        public String trouble() {
            return pool.trouble();
        }

        @Override
        public void close() {
            pool.lock(name);
        }
    }
}
