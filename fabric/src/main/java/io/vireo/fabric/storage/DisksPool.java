package io.vireo.fabric.storage;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.HostDisks.HostDisk;
import io.vireo.block.PoolContent;
import io.vireo.block.PoolEncryption;
import io.vireo.block.PoolIntegrity;
import io.vireo.block.PoolRedundancy;
import io.vireo.block.PoolSpace;
import io.vireo.block.PoolUsage;
import io.vireo.block.SnapshotGroup;
import io.vireo.block.VolumeFormat;
import io.vireo.block.VolumeSnapshot;
import io.vireo.fabric.storage.pool.AllocationLimit;
import io.vireo.fabric.storage.pool.PoolConfig;
import io.vireo.fabric.storage.pool.PoolOptions;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.fabric.storage.pool.VolumeInfo;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Progress;
import io.vireo.resource.ResourceException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Predicate;

/** A {@link StoragePool} on disks of the host. */
final class DisksPool implements BlockPool {
    private final StoragePool pool;
    private final PoolDisks disks;
    private final DisksEncryption encryption;
    private final PoolView view;
    private final PoolListener listener;
    private final DisksCatalog catalog;
    private final DisksVolumes volumes;
    private final DisksSnapshots snapshots;

    private DisksPool(
            DisksPlace place,
            Map<String, HostDisk> disks,
            StoragePool pool,
            PoolListener listener) {
        this.pool = pool;
        view = new PoolView(pool, System::nanoTime);
        encryption = new DisksEncryption(pool, () -> view.now().volumes());
        this.disks =
                new PoolDisks(
                        pool,
                        disks,
                        place.location(),
                        place.copies(),
                        place.scrubs(),
                        view::refresh);
        this.listener = listener;
        catalog = new DisksCatalog(pool, () -> view.now().volumes(), this.disks::location);
        volumes = new DisksVolumes(pool, catalog, view::changed);
        snapshots = new DisksSnapshots(pool, catalog, view::changed);
    }

    /**
     * Opens the pool that is on the disks. Those that were about to become members become them.
     *
     * @param disks by their paths; closed with the pool, not if this fails
     * @throws ResourceException UNAVAILABLE if there is none, or a disk of it is missing
     */
    static DisksPool open(Map<String, HostDisk> disks, DisksPlace place) {
        var listener = new PoolListener(System::nanoTime);
        var options =
                new PoolOptions(
                        place.holdWhenFull(),
                        PoolOptions.DEFAULT.commitAfter(),
                        listener,
                        Optional.of(place.surviving()),
                        place.mirrors(),
                        Optional.of(place.owner()));
        List<BlockDevice> devices = disks.values().stream().map(HostDisk::device).toList();
        Predicate<BlockDevice> leaves =
                device ->
                        place.leaving().stream()
                                .map(disks::get)
                                .anyMatch(disk -> disk != null && disk.device() == device);
        StoragePool pool = StoragePool.open(devices, place.home(), options, place.told());
        try {
            checkCopies(pool, place);
            if (place.copies() == 1) {
                devices.stream()
                        .filter(device -> !pool.uses(device) && !leaves.test(device))
                        .forEach(device -> pool.addMember(device, false));
            }
            return new DisksPool(place, disks, pool, listener);
        } catch (RuntimeException e) {
            pool.close();
            throw e;
        }
    }

    private static void checkCopies(StoragePool pool, DisksPlace place) {
        int kept =
                pool.look().mirrors().stream()
                        .mapToInt(mirror -> mirror.legs().size())
                        .findFirst()
                        .orElse(1);
        if (kept != place.copies()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "the pool on %s keeps everything on %d disks: set spec.disks.copies to that (vireo pool import --copies %d)"
                            .formatted(place.location(), kept, kept));
        }
    }

    /** Makes an empty pool of disks that have nothing on them. */
    static void create(
            List<HostDisk> disks, Reactor home, int chunkBytes, boolean striped, int copies) {
        boolean zeroed = disks.stream().allMatch(HostDisk::isZeroed);
        var config =
                new PoolConfig(chunkBytes, PoolConfig.DEFAULT.journalBytes(), striped, zeroed)
                        .withCopies(copies);
        StoragePool.create(config, disks.stream().map(HostDisk::device).toList(), home);
    }

    /** Number of volumes and snapshots. */
    int size() {
        return view.now().volumes().size();
    }

    @Override
    public String location() {
        return disks.location();
    }

    @Override
    public boolean hasChecksums(String volume) {
        return catalog.find(volume).filter(VolumeInfo::checksums).isPresent();
    }

    @Override
    public boolean hasChecksums() {
        return true;
    }

    @Override
    public boolean hasZeroDetection() {
        return true;
    }

    @Override
    public Optional<Boolean> striped() {
        return Optional.of(pool.isStriped());
    }

    @Override
    public void create(String volume, VolumeFormat format) {
        volumes.create(volume, format);
    }

    @Override
    public void createThick(String volume, VolumeFormat format) {
        volumes.createThick(volume, format);
    }

    @Override
    public void createFrom(String snapshot, String volume, VolumeFormat format) {
        volumes.createFrom(snapshot, volume, format);
    }

    @Override
    public BlockVolume open(String volume, VolumeFormat format) {
        return volumes.open(volume, format);
    }

    @Override
    public BlockVolume openSnapshot(String snapshot) {
        return volumes.openSnapshot(snapshot);
    }

    @Override
    public void delete(String volume, boolean evenIfWritten) {
        volumes.delete(volume, evenIfWritten);
    }

    @Override
    public boolean exists(String volume) {
        return catalog.find(volume).isPresent();
    }

    @Override
    public boolean hasSnapshots() {
        return true;
    }

    @Override
    public List<VolumeSnapshot> snapshotsOf(String volume) {
        return snapshots.of(volume);
    }

    @Override
    public boolean hasSnapshot(String snapshot) {
        return snapshots.has(snapshot);
    }

    @Override
    public void createSnapshot(String volume, String snapshot, Instant made) {
        snapshots.create(volume, snapshot, made);
    }

    @Override
    public void createSnapshot(String volume, String snapshot) {
        snapshots.create(volume, snapshot);
    }

    @Override
    public void deleteSnapshot(String snapshot) {
        snapshots.delete(snapshot);
    }

    @Override
    public void createGroup(String group, List<String> members) {
        snapshots.createGroup(group, members);
    }

    @Override
    public void deleteGroup(String group) {
        snapshots.deleteGroup(group);
    }

    @Override
    public List<SnapshotGroup> groups(String prefix) {
        return snapshots.groups(prefix);
    }

    @Override
    public void takeOut(String group, String volume, String snapshot) {
        snapshots.takeOut(group, volume, snapshot);
    }

    @Override
    public void rollback(String volume, String snapshot) {
        snapshots.rollback(volume, snapshot);
    }

    @Override
    public List<PoolContent> contents() {
        return catalog.contents();
    }

    @Override
    public OptionalLong mapped(String volume, boolean snapshot) {
        return catalog.mapped(volume, snapshot);
    }

    @Override
    public List<String> largest() {
        return catalog.largest();
    }

    @Override
    public boolean isEncrypted(String volume, boolean snapshot) {
        return catalog.isEncrypted(volume, snapshot);
    }

    @Override
    public long roomFor(long mapped, boolean checksums) {
        return view.roomFor(mapped, checksums);
    }

    @Override
    public PoolEncryption encryption() {
        return encryption.which();
    }

    /** Its master keys, and what is wrapped by them. */
    DisksEncryption keys() {
        return encryption;
    }

    /** Whether volumes with data in them are taken over by those who get their names. */
    void adopt(boolean on) {
        volumes.adopt(on);
    }

    /** Bounds what a vDisk has allocated, together with others. */
    void limit(String volume, AllocationLimit limit) {
        pool.limit(volume, limit);
    }

    void limit(AllocationLimit limit, long bytes) {
        pool.limit(limit, bytes);
    }

    void holdWhenFull(Duration hold) {
        pool.holdWhenFull(hold);
    }

    /** The disks that it is on. */
    PoolDisks disks() {
        return disks;
    }

    @Override
    public String drain() {
        return disks.drain(view.now().drain());
    }

    @Override
    public List<Progress> jobs() {
        List<Progress> jobs = view.jobs();
        boolean isDrained = jobs.stream().anyMatch(each -> each.job().equals(Drains.JOB));
        if (isDrained || disks.drains().open().isEmpty()) {
            return jobs;
        }
        // It has not begun, or something is in its way.
        var all = new ArrayList<>(jobs);
        all.addFirst(new Progress(Drains.JOB, 0, 0, 0));
        return all;
    }

    @Override
    public Optional<PoolIntegrity> integrity() {
        return Optional.of(listener.integrity(Scrubs.text(view.now().scrub())));
    }

    @Override
    public Optional<PoolRedundancy> redundancy() {
        return disks.redundancy(view.now().mirrors());
    }

    /** Whom to tell when copies are lost or whole again; on the pool's reactor. */
    void onCopies(Runnable told) {
        listener.onChange(told);
    }

    /** See {@link PoolListener#takeUntold}. */
    boolean takeUntold() {
        return listener.takeUntold();
    }

    @Override
    public boolean keepsData() {
        return true;
    }

    @Override
    public PoolSpace space() {
        return view.space();
    }

    @Override
    public Optional<PoolUsage> usage() {
        return Optional.of(view.usage());
    }

    @Override
    public String trouble() {
        return pool.trouble();
    }

    @Override
    public void onFull(Runnable told) {
        listener.onFull(told);
    }

    @Override
    public void close() {
        try {
            disks.scrubs().look();
        } finally {
            try {
                pool.close();
            } finally {
                disks.close();
            }
        }
    }
}
