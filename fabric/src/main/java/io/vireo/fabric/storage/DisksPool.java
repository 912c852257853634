package io.vireo.fabric.storage;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockPool;
import io.vireo.block.BlockVolume;
import io.vireo.block.HostDisks.HostDisk;
import io.vireo.block.PoolSpace;
import io.vireo.block.PoolUsage;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.pool.PoolConfig;
import io.vireo.fabric.storage.pool.PoolEvents;
import io.vireo.fabric.storage.pool.PoolOptions;
import io.vireo.fabric.storage.pool.PoolStatus;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.fabric.storage.pool.VolumeInfo;
import io.vireo.reactor.Reactor;
import io.vireo.resource.ErrorCode;
import io.vireo.resource.ResourceException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A {@link StoragePool} on disks of the host. Snapshots have names of their own: they are volumes
 * of the pool with a sign before their names that no vDisk's name can have.
 */
final class DisksPool implements BlockPool {
    private static final String SNAPSHOT = "@";
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    /** What was seen of the pool when it was looked at last. */
    private record Seen(PoolStatus status, List<VolumeInfo> volumes) {}

    private final String location;
    private final List<HostDisk> disks;
    private final StoragePool pool;
    private final AtomicBoolean looking = new AtomicBoolean();
    private volatile Seen seen;
    private volatile long seenAt;
    private final Listener listener;

    /** Tells whoever listens later. */
    private static final class Listener implements PoolEvents {
        private volatile Runnable full = () -> {};

        @Override
        public void full() {
            full.run();
        }
    }

    private DisksPool(String location, List<HostDisk> disks, StoragePool pool, Listener listener) {
        this.location = location;
        this.disks = disks;
        this.pool = pool;
        this.listener = listener;
        seen = new Seen(pool.status(), pool.volumes());
        seenAt = System.nanoTime();
    }

    /**
     * Opens the pool that is on the disks.
     *
     * @param disks closed with the pool; not if this fails
     * @param surviving a directory on tmpfs, see {@link PoolOptions}
     * @throws ResourceException UNAVAILABLE if there is none, or a disk of it is missing
     */
    static DisksPool open(
            String location,
            List<HostDisk> disks,
            Reactor home,
            Duration holdWhenFull,
            Optional<Path> surviving) {
        var listener = new Listener();
        var options =
                new PoolOptions(
                        holdWhenFull, PoolOptions.DEFAULT.commitAfter(), listener, surviving);
        List<BlockDevice> devices = disks.stream().map(HostDisk::device).toList();
        return new DisksPool(location, disks, StoragePool.open(devices, home, options), listener);
    }

    /** Makes an empty pool of disks that have nothing on them. */
    static void create(List<HostDisk> disks, Reactor home, int chunkBytes, boolean striped) {
        boolean zeroed = disks.stream().allMatch(HostDisk::isZeroed);
        var config = new PoolConfig(chunkBytes, PoolConfig.DEFAULT.journalBytes(), striped, zeroed);
        StoragePool.create(config, disks.stream().map(HostDisk::device).toList(), home);
    }

    /** Number of volumes and snapshots. */
    int size() {
        return seen.volumes().size();
    }

    @Override
    public String location() {
        return location;
    }

    @Override
    public void create(String volume, VolumeFormat format) {
        if (isNew(volume)) {
            pool.createVolume(volume, format);
        }
    }

    @Override
    public void createThick(String volume, VolumeFormat format) {
        if (isNew(volume)) {
            pool.createDedicatedVolume(volume, format);
        }
    }

    /** Whether there is nothing of that name; false if what there is holds no data. */
    private boolean isNew(String volume) {
        Optional<VolumeInfo> there = find(volume);
        if (there.isPresent() && there.get().mappedBytes() > 0) {
            throw new ResourceException(
                    ErrorCode.CONFLICT,
                    "the pool holds a vDisk "
                            + volume
                            + " with data in it already; give this one another name");
        }
        return there.isEmpty();
    }

    @Override
    public void createFrom(String snapshot, String volume, VolumeFormat format) {
        VolumeInfo source = find(SNAPSHOT + snapshot).orElseThrow(() -> gone(snapshot));
        if (source.capacity() > format.capacity()) {
            throw new ResourceException(
                    ErrorCode.INVALID,
                    "snapshot %s has %d bytes, more than the vDisk: set its size to that or more"
                            .formatted(snapshot, source.capacity()));
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
        return new Opened(volume);
    }

    @Override
    public BlockVolume openSnapshot(String snapshot) {
        var _ = find(SNAPSHOT + snapshot).orElseThrow(() -> gone(snapshot));
        return new Opened(SNAPSHOT + snapshot);
    }

    private ResourceException gone(String name) {
        return new ResourceException(
                ErrorCode.UNAVAILABLE,
                "the pool on "
                        + location
                        + " holds no "
                        + name
                        + ", though it was made; are these its disks? If it is lost, delete it here");
    }

    @Override
    public void delete(String volume, boolean evenIfWritten) {
        Optional<VolumeInfo> there = find(volume);
        if (there.isPresent() && (evenIfWritten || there.get().mappedBytes() == 0)) {
            pool.delete(volume);
        }
    }

    @Override
    public void deleteSnapshot(String snapshot) {
        if (find(SNAPSHOT + snapshot).isPresent()) {
            pool.delete(SNAPSHOT + snapshot);
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
        PoolStatus status = seen().status();
        long free = Math.max(0, status.unused() - status.reserved());
        return new PoolSpace(status.total() * status.chunkBytes(), free * status.chunkBytes());
    }

    @Override
    public Optional<PoolUsage> usage() {
        Seen now = seen();
        PoolStatus status = now.status();
        List<VolumeInfo> volumes = now.volumes();
        return Optional.of(
                new PoolUsage(
                        (status.total() - status.unused()) * status.chunkBytes(),
                        volumes.stream()
                                .filter(volume -> !volume.readOnly())
                                .mapToLong(VolumeInfo::capacity)
                                .sum(),
                        volumes.stream().mapToLong(VolumeInfo::mappedBytes).sum(),
                        (int) volumes.stream().filter(VolumeInfo::readOnly).count()));
    }

    /** What was seen last; has the pool looked at again if that is old. */
    private Seen seen() {
        if (System.nanoTime() - seenAt > LOOK_NANOS && looking.compareAndSet(false, true)) {
            pool.look((status, volumes) -> {
                seen = new Seen(status, volumes);
                seenAt = System.nanoTime();
                looking.set(false);
            });
        }
        return seen;
    }

    @Override
    public String trouble() {
        return pool.trouble();
    }

    @Override
    public void onFull(Runnable told) {
        listener.full = told;
    }

    @Override
    public void close() {
        try {
            pool.close();
        } finally {
            disks.forEach(HostDisk::close);
        }
    }

    private final class Opened implements BlockVolume {
        private final String name;
        private final BlockDevice device;

        Opened(String name) {
            this.name = name;
            device = pool.device(name);
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
        public String trouble() {
            return pool.trouble();
        }

        @Override
        public void close() {
            // Its channels are closed, and that is all there is of it.
        }
    }
}
