package io.vireo.fabric.storage;

import io.vireo.block.PoolSpace;
import io.vireo.block.PoolUsage;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.format.SumLeaf;
import io.vireo.fabric.storage.mirror.MirrorStatus;
import io.vireo.fabric.storage.pool.PoolLook;
import io.vireo.fabric.storage.pool.PoolStatus;
import io.vireo.fabric.storage.pool.ReclaimStatus;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.fabric.storage.pool.VolumeInfo;
import io.vireo.resource.Progress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.LongSupplier;

/** A pool as it was seen last. Any thread; waits for nobody but in {@link #refresh}. */
final class PoolView {
    private static final long LOOK_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final StoragePool pool;
    private final LongSupplier nanoTime;
    private final AtomicBoolean looking = new AtomicBoolean();
    private volatile PoolLook seen;
    private volatile long seenAt;

    PoolView(StoragePool pool, LongSupplier nanoTime) {
        this.pool = pool;
        this.nanoTime = nanoTime;
        seen = pool.look();
        seenAt = nanoTime.getAsLong();
    }

    /** Looks now; waits for the pool's reactor. */
    void refresh() {
        saw(pool.look());
    }

    /** Has the pool looked at soon: something was changed. */
    void changed() {
        pool.look(this::saw);
    }

    private void saw(PoolLook look) {
        seen = look;
        seenAt = nanoTime.getAsLong();
    }

    /** What was seen last; has the pool looked at again if that is old. */
    PoolLook now() {
        if (nanoTime.getAsLong() - seenAt > LOOK_NANOS && looking.compareAndSet(false, true)) {
            pool.look(look -> {
                saw(look);
                looking.set(false);
            });
        }
        return seen;
    }

    PoolSpace space() {
        PoolStatus status = now().status();
        long free = Math.max(0, status.unused() - status.reserved());
        return new PoolSpace(status.total() * status.chunkBytes(), free * status.chunkBytes());
    }

    /** See {@link io.vireo.block.BlockPool#roomFor}: whole chunks, of maps those that are full. */
    long roomFor(long mapped, boolean checksums) {
        long chunk = now().status().chunkBytes();
        long chunks = Math.ceilDiv(mapped, chunk);
        long pages = Math.ceilDiv(chunks, PoolFormat.FANOUT);
        if (checksums) {
            pages += Math.ceilDiv(mapped, (long) SumLeaf.BLOCKS * PoolFormat.BLOCK);
        }
        return (chunks + pages * PoolFormat.BLOCK / chunk) * chunk;
    }

    PoolUsage usage() {
        PoolLook now = now();
        PoolStatus status = now.status();
        List<VolumeInfo> volumes = now.volumes();
        return new PoolUsage(
                (status.total() - status.unused()) * status.chunkBytes(),
                volumes.stream()
                        .filter(volume -> !volume.readOnly())
                        .mapToLong(VolumeInfo::capacity)
                        .sum(),
                volumes.stream().mapToLong(VolumeInfo::mappedBytes).sum(),
                (int) volumes.stream().filter(VolumeInfo::readOnly).count());
    }

    /** What the pool is busy with. */
    List<Progress> jobs() {
        PoolLook now = now();
        var jobs = new ArrayList<Progress>();
        Drains.progress(now.drain()).ifPresent(jobs::add);
        resync(now.mirrors()).ifPresent(jobs::add);
        Scrubs.progress(now.scrub()).ifPresent(jobs::add);
        ReclaimStatus reclaim = now.reclaim();
        if (reclaim.totalBytes() > 0) {
            jobs.add(
                    new Progress(
                            "reclaim",
                            reclaim.doneBytes(),
                            reclaim.totalBytes(),
                            reclaim.bytesPerSecond()));
        }
        return jobs;
    }

    private static Optional<Progress> resync(List<MirrorStatus> mirrors) {
        long total = mirrors.stream().mapToLong(MirrorStatus::toCopyBytes).sum();
        return total == 0
                ? Optional.empty()
                : Optional.of(
                        new Progress(
                                "resync",
                                mirrors.stream().mapToLong(MirrorStatus::copiedBytes).sum(),
                                total,
                                mirrors.stream().mapToLong(MirrorStatus::bytesPerSecond).sum()));
    }
}
