package io.vireo.fabric.storage;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockGeometry;
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
import io.vireo.fabric.storage.format.PoolOwner;
import io.vireo.fabric.storage.pool.AllocationLimit;
import io.vireo.fabric.storage.pool.CopyOf;
import io.vireo.fabric.storage.pool.MirrorOptions;
import io.vireo.fabric.storage.pool.PoolConfig;
import io.vireo.fabric.storage.pool.PoolOptions;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.fabric.storage.pool.VolumeInfo;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.Progress;
import io.vireo.resource.Quantity;
import io.vireo.resource.ResourceException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * A {@link StoragePool} on disks of the host. Snapshots have names of their own: they are volumes
 * of the pool with a sign before their names that no vDisk's name can have.
 */
final class DisksPool implements BlockPool {
    private static final String SNAPSHOT = "@";

    private static final String GROUPED = "/";
    private static final int LARGEST = 3;

    /** Whether volumes with data in them are taken over by those who get their names. */
    private volatile boolean adopting;

    private final StoragePool pool;
    private final PoolDisks disks;
    private final DisksEncryption encryption;
    private final PoolView view;
    private final PoolListener listener;

    /**
     * Where and how a pool is opened.
     *
     * @param location for people
     * @param holdWhenFull how long requests wait for room
     * @param surviving a directory on tmpfs, see {@link PoolOptions}
     * @param owner who opens it
     * @param copies that the pool keeps
     * @param leaving paths of disks that are to be emptied
     * @param scrubs what is kept of the pool's
     * @param told of how much of the maps has been read
     */
    record Place(
            String location,
            Reactor home,
            Duration holdWhenFull,
            Path surviving,
            PoolOwner owner,
            int copies,
            MirrorOptions mirrors,
            Set<String> leaving,
            ScrubRecord scrubs,
            Consumer<Progress> told) {}

    private DisksPool(
            Place place, Map<String, HostDisk> disks, StoragePool pool, PoolListener listener) {
        this.pool = pool;
        view = new PoolView(pool);
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
    }

    /**
     * Opens the pool that is on the disks. Those that were about to become members become them.
     *
     * @param disks by their paths; closed with the pool, not if this fails
     * @throws ResourceException UNAVAILABLE if there is none, or a disk of it is missing
     */
    static DisksPool open(Map<String, HostDisk> disks, Place place) {
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

    private static void checkCopies(StoragePool pool, Place place) {
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
        return find(volume).filter(VolumeInfo::checksums).isPresent();
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
        if (isNew(volume, format)) {
            pool.createVolume(volume, format);
        } else {
            checkFormat(volume, format);
        }
    }

    @Override
    public void createThick(String volume, VolumeFormat format) {
        if (isNew(volume, format)) {
            pool.createDedicatedVolume(volume, format);
        } else {
            checkFormat(volume, format);
        }
    }

    /** What is on a disk depends on its blocks, and has checksums or not. */
    private void checkFormat(String volume, VolumeFormat format) {
        int block = pool.device(volume).geometry().logicalBlockSize();
        if (block != format.logicalBlockSize()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "vDisk %s is in the pool with blocks of %d bytes: set its blockSize to that"
                            .formatted(volume, block));
        }
        boolean checksums = find(volume).orElseThrow(() -> gone(volume)).checksums();
        if (checksums != format.checksums()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "vDisk %s is in the pool %s checksums: set its spec.checksums to %s"
                            .formatted(volume, checksums ? "with" : "without", checksums));
        }
    }

    /** Whether there is nothing of that name; false if what there is holds no data. */
    private boolean isNew(String volume, VolumeFormat format) {
        Optional<VolumeInfo> there = find(volume);
        boolean other = there.filter(each -> each.encrypted() != format.encrypted()).isPresent();
        if (there.isPresent() && adopting) {
            if (other) {
                throw new ResourceException(
                        ErrorCode.CONFLICT,
                        "vDisk %s is in the pool %s: set its encrypted to %s"
                                .formatted(
                                        volume,
                                        format.encrypted() ? "unencrypted" : "encrypted",
                                        !format.encrypted()));
            }
            return false;
        }
        if (there.isPresent() && there.get().mappedBytes() > 0) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "the pool holds a vDisk "
                            + volume
                            + " with data in it already; give this one another name");
        }
        if (other) {
            // Left behind by an attempt that was to be otherwise; there is nothing in it.
            pool.delete(volume);
        }
        return there.isEmpty() || other;
    }

    @Override
    public void createFrom(String snapshot, String volume, VolumeFormat format) {
        VolumeInfo source = find(SNAPSHOT + snapshot).orElseThrow(() -> gone(snapshot));
        if (source.capacity() > format.capacity()) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "snapshot %s has %s, more than the vDisk: set its size to that or more"
                            .formatted(snapshot, new Quantity(source.capacity())));
        }
        if (format.checksums() && !source.checksums()) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "snapshot %s has no checksums, and what begins as it has none: leave spec.checksums out"
                            .formatted(snapshot));
        }
        Optional<VolumeInfo> there = find(volume);
        if (there.isEmpty()) {
            pool.cloneVolume(SNAPSHOT + snapshot, volume);
        } else if (there.get().origin() != source.id()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "the pool holds a vDisk "
                            + volume
                            + " already, which was not made of snapshot "
                            + snapshot
                            + "; give this one another name");
        }
    }

    @Override
    public boolean hasSnapshots() {
        return true;
    }

    @Override
    public List<VolumeSnapshot> snapshotsOf(String volume) {
        return VolumeInfo.snapshotsOf(volume, pool.volumes()).stream()
                .map(each ->
                        new VolumeSnapshot(
                                each.name().substring(SNAPSHOT.length()),
                                Instant.ofEpochMilli(each.created())))
                .toList();
    }

    @Override
    public boolean hasSnapshot(String snapshot) {
        return find(SNAPSHOT + snapshot).isPresent();
    }

    @Override
    public void createSnapshot(String volume, String snapshot, Instant made) {
        pool.copy(List.of(CopyOf.snapshot(volume, SNAPSHOT + snapshot, made)));
    }

    @Override
    public void createSnapshot(String volume, String snapshot) {
        VolumeInfo source = find(volume).orElseThrow(() -> gone(volume));
        Optional<VolumeInfo> there = find(SNAPSHOT + snapshot);
        if (there.isEmpty()) {
            pool.snapshot(volume, SNAPSHOT + snapshot);
        } else if (there.get().origin() != source.id()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "the pool holds a snapshot "
                            + snapshot
                            + " of another vDisk already; give this one another name");
        }
    }

    @Override
    public void createGroup(String group, List<String> volumes) {
        var missing =
                volumes.stream().filter(each -> find(grouped(group, each)).isEmpty()).toList();
        if (missing.size() == volumes.size()) {
            pool.copy(
                    volumes.stream()
                            .map(each -> CopyOf.snapshot(each, grouped(group, each)))
                            .toList());
        }
    }

    private static String grouped(String group, String volume) {
        return SNAPSHOT + group + GROUPED + volume;
    }

    @Override
    public void deleteGroup(String group) {
        for (VolumeInfo volume : pool.volumes()) {
            if (volume.name().startsWith(grouped(group, ""))) {
                pool.delete(volume.name());
            }
        }
    }

    @Override
    public List<SnapshotGroup> groups(String prefix) {
        var groups = new TreeMap<String, List<VolumeInfo>>();
        for (VolumeInfo volume : pool.volumes()) {
            int end = volume.name().indexOf(GROUPED);
            if (volume.name().startsWith(SNAPSHOT + prefix) && end > 0) {
                groups.computeIfAbsent(volume.name().substring(1, end), _ -> new ArrayList<>())
                        .add(volume);
            }
        }
        return groups.entrySet().stream()
                .map(each -> group(each.getKey(), each.getValue()))
                .sorted(Comparator.comparing(SnapshotGroup::made))
                .toList();
    }

    private static SnapshotGroup group(String name, List<VolumeInfo> volumes) {
        return new SnapshotGroup(
                name,
                Instant.ofEpochMilli(volumes.getFirst().created()),
                volumes.stream()
                        .map(volume -> volume.name().substring(grouped(name, "").length()))
                        .toList());
    }

    @Override
    public void takeOut(String group, String volume, String snapshot) {
        if (find(SNAPSHOT + snapshot).isPresent()) {
            // It was done, or there is another one of that name, which createSnapshot finds out.
            createSnapshot(volume, snapshot);
        } else if (find(grouped(group, volume)).isPresent()) {
            pool.rename(grouped(group, volume), SNAPSHOT + snapshot);
        } else {
            throw new ResourceException(
                    ErrorCode.NOT_READY,
                    "there is no snapshot of %s in %s: see 'vireo describe' of the group or schedule"
                            .formatted(volume, group));
        }
    }

    @Override
    public void rollback(String volume, String snapshot) {
        VolumeInfo target = find(volume).orElseThrow(() -> gone(volume));
        VolumeInfo to = find(SNAPSHOT + snapshot).orElseThrow(() -> gone(snapshot));
        if (to.origin() != target.id() && target.origin() != to.id()) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "snapshot %s is none of vDisk %s, nor did that begin as it; make a vDisk of it instead"
                            .formatted(snapshot, volume));
        }
        pool.rollback(volume, SNAPSHOT + snapshot);
    }

    @Override
    public List<PoolContent> contents() {
        List<VolumeInfo> volumes = pool.volumes();
        return volumes.stream().map(each -> content(each, volumes)).toList();
    }

    private PoolContent content(VolumeInfo volume, List<VolumeInfo> all) {
        BlockGeometry geometry = pool.device(volume.name()).geometry();
        boolean snapshot = volume.name().startsWith(SNAPSHOT);
        return new PoolContent(
                snapshot ? volume.name().substring(SNAPSHOT.length()) : volume.name(),
                snapshot,
                all.stream()
                        .filter(each -> snapshot && each.id() == volume.origin())
                        .map(VolumeInfo::name)
                        .findFirst(),
                new VolumeFormat(
                        volume.capacity(),
                        geometry.logicalBlockSize(),
                        geometry.physicalBlockSize(),
                        volume.encrypted(),
                        volume.checksums()),
                volume.dedicated());
    }

    @Override
    public long roomFor(long mapped, boolean checksums) {
        return view.roomFor(mapped, checksums);
    }

    @Override
    public OptionalLong mapped(String volume, boolean snapshot) {
        String name = snapshot ? SNAPSHOT + volume : volume;
        return view.now().volumes().stream()
                .filter(each -> each.name().equals(name))
                .mapToLong(VolumeInfo::mappedBytes)
                .findFirst();
    }

    @Override
    public List<String> largest() {
        return view.now().volumes().stream()
                .filter(each -> each.mappedBytes() > 0)
                .sorted(Comparator.comparingLong(VolumeInfo::mappedBytes).reversed())
                .limit(LARGEST)
                .map(DisksPool::size)
                .toList();
    }

    private static String size(VolumeInfo volume) {
        String name =
                volume.readOnly()
                        ? "snapshot " + volume.name().substring(SNAPSHOT.length())
                        : "vDisk " + volume.name();
        return name + " (" + Capacity.text(volume.mappedBytes()) + ")";
    }

    @Override
    public PoolEncryption encryption() {
        return encryption.which();
    }

    /** Its master keys, and what is wrapped by them. */
    DisksEncryption keys() {
        return encryption;
    }

    @Override
    public boolean isEncrypted(String volume, boolean snapshot) {
        return find(snapshot ? SNAPSHOT + volume : volume)
                .filter(VolumeInfo::encrypted)
                .isPresent();
    }

    /** Whether volumes with data in them are taken over by those who get their names. */
    void adopt(boolean on) {
        adopting = on;
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
    public BlockVolume open(String volume, VolumeFormat format) {
        VolumeInfo there = find(volume).orElseThrow(() -> gone(volume));
        if (there.capacity() > format.capacity()) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "vDisk %s has %d bytes, more than its size says: set it to that"
                            .formatted(volume, there.capacity()));
        }
        if (there.capacity() < format.capacity()) {
            pool.grow(volume, format.capacity());
        }
        return opened(volume);
    }

    @Override
    public BlockVolume openSnapshot(String snapshot) {
        var _ = find(SNAPSHOT + snapshot).orElseThrow(() -> gone(snapshot));
        return opened(SNAPSHOT + snapshot);
    }

    private BlockVolume opened(String name) {
        var volume = new DisksVolume(pool, name);
        view.changed();
        return volume;
    }

    private ResourceException gone(String name) {
        return new ResourceException(
                ErrorCode.UNAVAILABLE,
                "the pool on "
                        + location()
                        + " holds no "
                        + name
                        + ", though it was made; are these its disks? If it is lost, delete it here");
    }

    @Override
    public void delete(String volume, boolean evenIfWritten) {
        Optional<VolumeInfo> there = find(volume);
        if (there.isPresent() && (evenIfWritten || there.get().mappedBytes() == 0)) {
            pool.delete(volume);
            view.changed();
        }
    }

    @Override
    public boolean keepsData() {
        return true;
    }

    @Override
    public void deleteSnapshot(String snapshot) {
        if (find(SNAPSHOT + snapshot).isPresent()) {
            pool.delete(SNAPSHOT + snapshot);
            view.changed();
        }
    }

    @Override
    public boolean exists(String volume) {
        return find(volume).isPresent();
    }

    private Optional<VolumeInfo> find(String name) {
        return pool.volumes().stream().filter(volume -> volume.name().equals(name)).findFirst();
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
