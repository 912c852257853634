package io.vireo.fabric.storage;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.PoolContent;
import io.vireo.block.PoolEncryption;
import io.vireo.block.PoolIntegrity;
import io.vireo.block.PoolRedundancy;
import io.vireo.block.PoolSpace;
import io.vireo.block.PoolUsage;
import io.vireo.block.SnapshotGroup;
import io.vireo.block.VolumeFormat;
import io.vireo.block.VolumeSnapshot;
import io.vireo.resource.Progress;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.IntSupplier;

/** A pool that the reconciler and the threads of imports use, one at a time. */
final class SerialPool implements BlockPool {
    private final BlockPool pool;
    private final IntSupplier warnPercent;

    SerialPool(BlockPool pool, IntSupplier warnPercent) {
        this.pool = pool;
        this.warnPercent = warnPercent;
    }

    @Override
    public int warnPercent() {
        return warnPercent.getAsInt();
    }

    @Override
    public String location() {
        return pool.location();
    }

    @Override
    public synchronized boolean hasChecksums(String volume) {
        return pool.hasChecksums(volume);
    }

    @Override
    public boolean hasZeroDetection() {
        return pool.hasZeroDetection();
    }

    @Override
    public Optional<Boolean> striped() {
        return pool.striped();
    }

    @Override
    public boolean hasChecksums() {
        return pool.hasChecksums();
    }

    @Override
    public synchronized void create(String volume, VolumeFormat format) {
        pool.create(volume, format);
    }

    @Override
    public synchronized void createThick(String volume, VolumeFormat format) {
        pool.createThick(volume, format);
    }

    @Override
    public synchronized void createFrom(String snapshot, String volume, VolumeFormat format) {
        pool.createFrom(snapshot, volume, format);
    }

    @Override
    public PoolEncryption encryption() {
        return pool.encryption();
    }

    @Override
    public synchronized boolean isEncrypted(String volume, boolean snapshot) {
        return pool.isEncrypted(volume, snapshot);
    }

    @Override
    public synchronized void createSnapshot(String volume, String snapshot) {
        pool.createSnapshot(volume, snapshot);
    }

    @Override
    public boolean hasSnapshots() {
        return pool.hasSnapshots();
    }

    @Override
    public synchronized void createSnapshot(String volume, String snapshot, Instant made) {
        pool.createSnapshot(volume, snapshot, made);
    }

    @Override
    public synchronized List<VolumeSnapshot> snapshotsOf(String volume) {
        return pool.snapshotsOf(volume);
    }

    @Override
    public synchronized boolean hasSnapshot(String snapshot) {
        return pool.hasSnapshot(snapshot);
    }

    @Override
    public synchronized BlockVolume openSnapshot(String snapshot) {
        return new Volume(pool.openSnapshot(snapshot));
    }

    @Override
    public synchronized void deleteSnapshot(String snapshot) {
        pool.deleteSnapshot(snapshot);
    }

    @Override
    public synchronized BlockVolume open(String volume, VolumeFormat format) {
        return new Volume(pool.open(volume, format));
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
    public boolean keepsData() {
        return pool.keepsData();
    }

    @Override
    public synchronized void createGroup(String group, List<String> volumes) {
        pool.createGroup(group, volumes);
    }

    @Override
    public synchronized void deleteGroup(String group) {
        pool.deleteGroup(group);
    }

    @Override
    public synchronized List<SnapshotGroup> groups(String prefix) {
        return pool.groups(prefix);
    }

    @Override
    public synchronized void takeOut(String group, String volume, String snapshot) {
        pool.takeOut(group, volume, snapshot);
    }

    @Override
    public synchronized void rollback(String volume, String snapshot) {
        pool.rollback(volume, snapshot);
    }

    @Override
    public synchronized List<PoolContent> contents() {
        return pool.contents();
    }

    @Override
    public OptionalLong mapped(String volume, boolean snapshot) {
        return pool.mapped(volume, snapshot);
    }

    @Override
    public OptionalLong allocated(String volume) {
        return pool.allocated(volume);
    }

    @Override
    public long roomFor(long mapped, boolean checksums) {
        return pool.roomFor(mapped, checksums);
    }

    @Override
    public List<String> largest() {
        return pool.largest();
    }

    /** Does something with the pool itself while nobody else uses it. */
    synchronized void exclusively(Runnable task) {
        task.run();
    }

    @Override
    public PoolSpace space() {
        return pool.space();
    }

    @Override
    public OptionalLong diskBytes() {
        return pool.diskBytes();
    }

    @Override
    public Optional<PoolUsage> usage() {
        return pool.usage();
    }

    @Override
    public String drain() {
        return pool.drain();
    }

    @Override
    public List<Progress> jobs() {
        return pool.jobs();
    }

    @Override
    public Optional<PoolIntegrity> integrity() {
        return pool.integrity();
    }

    @Override
    public Optional<PoolRedundancy> redundancy() {
        return pool.redundancy();
    }

    @Override
    public String trouble() {
        return pool.trouble();
    }

    @Override
    public void onFull(Runnable listener) {
        pool.onFull(listener);
    }

    @Override
    public synchronized void close() {
        pool.close();
    }

    /** A volume whose changes are changes of the pool. */
    private final class Volume implements BlockVolume {
        private final BlockVolume volume;

        Volume(BlockVolume volume) {
            this.volume = volume;
        }

        @Override
        public BlockDevice device() {
            return volume.device();
        }

        @Override
        public void zeroDetection(boolean on) {
            volume.zeroDetection(on);
        }

        @Override
        public void striped(Optional<Boolean> inTurn) {
            volume.striped(inTurn);
        }

        @Override
        public void grow(long capacity) {
            synchronized (SerialPool.this) {
                volume.grow(capacity);
            }
        }

        @Override
        public void rename(String newName) {
            synchronized (SerialPool.this) {
                volume.rename(newName);
            }
        }

        @Override
        public String trouble() {
            return volume.trouble();
        }

        @Override
        public void close() {
            synchronized (SerialPool.this) {
                volume.close();
            }
        }
    }
}
