package io.vireo.fabric.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.PoolSpace;
import io.vireo.block.PoolUsage;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.mirror.MirrorStatus;
import io.vireo.fabric.storage.pool.PoolConfig;
import io.vireo.fabric.storage.pool.PoolOptions;
import io.vireo.fabric.storage.pool.ReclaimStatus;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.fabric.storage.pool.StoragePools;
import io.vireo.reactor.Reactor;
import io.vireo.resource.Progress;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryBlockDevice.Fate;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a pool shows of its room and of its jobs. */
class PoolViewTest {
    private static final int CHUNK = 64 << 10;
    private static final int CHUNKS = 64;
    private static final long RATE = 4L * CHUNK;

    private final Reactor home = Reactor.stepped("view");
    private final List<MemoryBlockDevice> disks = new ArrayList<>();
    private @Nullable StoragePool pool;
    private @Nullable PoolView view;

    private void open(int count, int copies) {
        for (int i = 0; i < count; i++) {
            var disk = new MemoryBlockDevice(18 << 20, 512);
            disk.logging(false);
            disks.add(disk);
        }
        var config = new PoolConfig(CHUNK, 1 << 20, true, true, copies);
        List<BlockDevice> members = List.copyOf(disks);
        StoragePool.create(config, members, home);
        pool = StoragePool.open(members, home, PoolOptions.DEFAULT);
        pool().createVolume("v", new VolumeFormat(2L * CHUNKS * CHUNK, 512, 4096));
        fill(CHUNKS);
        view = new PoolView(pool());
    }

    private StoragePool pool() {
        return Objects.requireNonNull(pool);
    }

    private PoolView view() {
        return Objects.requireNonNull(view);
    }

    private void fill(int chunks) {
        StoragePools.fill(pool(), home, "v", chunks, CHUNK);
    }

    @AfterEach
    void close() {
        pool().close();
        disks.forEach(MemoryBlockDevice::close);
        home.close();
    }

    /** Steps, and looks, until something is to be seen. */
    private void until(BooleanSupplier seen) {
        for (int i = 0; i < 100_000; i++) {
            view().refresh();
            if (seen.getAsBoolean()) {
                return;
            }
            home.step();
        }
        throw new AssertionError("it is never to be seen; now " + view().now());
    }

    private void untilIdle() {
        until(() -> view().jobs().isEmpty());
    }

    @Test
    void roomIsPhysicalAllocatedLogicalAndSaved() {
        open(2, 1);
        PoolUsage one = view().usage();
        PoolSpace before = view().space();
        assertThat(before.capacityBytes()).isEqualTo(33L << 20);
        assertThat(one.logical()).isEqualTo(2L * CHUNKS * CHUNK);
        assertThat(one.mapped()).isEqualTo((long) CHUNKS * CHUNK);
        long metadata = one.allocated() - (long) CHUNKS * CHUNK;
        assertThat(metadata).isBetween(0L, 4L * CHUNK);
        assertThat(one.saved()).isEqualTo((long) CHUNKS * CHUNK - metadata);

        pool().snapshot("v", "s");
        pool().cloneVolume("s", "c");
        fill(8);
        view().refresh();
        PoolUsage all = view().usage();
        PoolSpace after = view().space();
        assertThat(after.capacityBytes()).isEqualTo(before.capacityBytes());
        assertThat(all.logical()).as("v and c").isEqualTo(4L * CHUNKS * CHUNK);
        assertThat(all.mapped()).as("v, s and c").isEqualTo(3L * CHUNKS * CHUNK);
        assertThat(all.snapshots()).isEqualTo(1);
        long grown = all.allocated() - one.allocated();
        assertThat(grown).as("what was copied, and maps").isBetween(8L * CHUNK, 12L * CHUNK);
        assertThat(before.freeBytes() - after.freeBytes()).isBetween(8L * CHUNK, 12L * CHUNK);
        assertThat(all.saved()).isEqualTo(4L * CHUNKS * CHUNK - all.allocated());
    }

    @Test
    void aScrubIsShown() {
        open(1, 1);
        pool().scrub(RATE);
        until(() -> view().now().scrub().bytesPerSecond() > 0);
        var scrub = view().now().scrub();
        assertShown("scrub", scrub.readBytes(), scrub.totalBytes(), scrub.bytesPerSecond());
        assertThat(scrub.totalBytes()).isEqualTo((long) CHUNKS * CHUNK);
        pool().scrubRate(0);
        untilIdle();
    }

    @Test
    void aDrainIsShown() {
        open(2, 1);
        pool().drain(disks.get(1), RATE);
        until(() -> view().now().drain().movedBytes() >= 10 * CHUNK);
        var drain = view().now().drain();
        assertShown("drain", drain.movedBytes(), drain.totalBytes(), drain.bytesPerSecond());
        assertThat(drain.totalBytes()).isBetween(CHUNKS / 2L * CHUNK, (CHUNKS / 2L + 8) * CHUNK);
        untilIdle();
    }

    @Test
    void aResyncIsShown() {
        open(2, 2);
        pool().resyncRate(RATE);
        disks.get(1).fate(_ -> new Fate.Ends(BlockStatus.IO_ERROR));
        fill(CHUNKS);
        disks.get(1).fate(_ -> Fate.DONE);
        until(() -> view().now().mirrors().getFirst().bytesPerSecond() > 0);
        MirrorStatus mirror = view().now().mirrors().getFirst();
        assertShown("resync", mirror.copiedBytes(), mirror.toCopyBytes(), mirror.bytesPerSecond());
        assertThat(mirror.toCopyBytes()).isGreaterThanOrEqualTo((long) CHUNKS * CHUNK);
        pool().resyncRate(0);
        untilIdle();
    }

    @Test
    void whatIsGivenBackIsShown() {
        open(1, 1);
        untilIdle();
        var zeroed = new AtomicInteger();
        disks.getFirst()
                .fate(request ->
                        request.operation() == BlockOperation.WRITE_ZEROES
                                        && zeroed.incrementAndGet() > 8
                                ? Fate.HELD
                                : Fate.DONE);
        pool().snapshot("v", "s");
        for (int i = 0; i < CHUNKS; i += 2) {
            fill(1);
        }
        pool().delete("s");
        pool().delete("v");
        until(() -> zeroed.get() > 8 || view().now().reclaim().doneBytes() > 0);
        ReclaimStatus reclaim = view().now().reclaim();
        assertThat(view().jobs())
                .containsExactly(
                        new Progress(
                                "reclaim",
                                reclaim.doneBytes(),
                                reclaim.totalBytes(),
                                reclaim.bytesPerSecond()));
        assertThat(reclaim.doneBytes()).isLessThan(reclaim.totalBytes());
        disks.getFirst().fate(_ -> Fate.DONE);
        disks.getFirst().release();
        untilIdle();
    }

    /** It is partly done, about as fast as it may be, and says when it will end. */
    private void assertShown(String job, long done, long total, long rate) {
        List<Progress> shown =
                view().jobs().stream().filter(each -> each.job().equals(job)).toList();
        assertThat(shown).containsExactly(new Progress(job, done, total, rate));
        assertThat(done).isBetween(1L, total - 1);
        assertThat(rate).isBetween(RATE / 4, 4 * RATE);
        long seconds = (total - done + rate - 1) / rate;
        assertThat(shown.getFirst().timeLeft()).isEqualTo(seconds + "s");
    }
}
