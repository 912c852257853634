package io.vireo.fabric.storage;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.PoolSpace;
import io.vireo.block.PoolUsage;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.mirror.MirrorStatus;
import io.vireo.fabric.storage.pool.PoolConfig;
import io.vireo.fabric.storage.pool.PoolOptions;
import io.vireo.fabric.storage.pool.StoragePool;
import io.vireo.fabric.storage.pool.StoragePools;
import io.vireo.reactor.Reactor;
import io.vireo.resource.Progress;
import io.vireo.testkit.MemoryBlockDevice;
import io.vireo.testkit.MemoryBlockDevice.Fate;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
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
    private final AtomicLong clock = new AtomicLong();
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
        view = new PoolView(pool(), clock::get);
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
        // A test that has failed may have left something held.
        for (MemoryBlockDevice disk : disks) {
            disk.fate(_ -> Fate.DONE);
            disk.release();
        }
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

    /** Of several mirrors all that is copied is one job. */
    @Test
    void resyncsOfSeveralMirrorsAreShownTogether() {
        open(4, 2);
        pool().resyncRate(RATE);
        for (int second : List.of(1, 3)) {
            disks.get(second).fate(_ -> new Fate.Ends(BlockStatus.IO_ERROR));
        }
        fill(CHUNKS);
        for (int second : List.of(1, 3)) {
            disks.get(second).fate(_ -> Fate.DONE);
        }
        until(() -> view().now().mirrors().stream().allMatch(each -> each.bytesPerSecond() > 0));
        MirrorStatus first = view().now().mirrors().get(0);
        MirrorStatus second = view().now().mirrors().get(1);
        assertThat(view().jobs())
                .contains(
                        new Progress(
                                "resync",
                                first.copiedBytes() + second.copiedBytes(),
                                first.toCopyBytes() + second.toCopyBytes(),
                                first.bytesPerSecond() + second.bytesPerSecond()));
        pool().resyncRate(0);
        untilIdle();
    }

    /** Two volumes are deleted, and the disk has zeroed what one of them had. */
    @Test
    void whatIsGivenBackIsShown() {
        open(1, 1);
        pool().createVolume("w", new VolumeFormat(2L * CHUNKS * CHUNK, 512, 4096));
        StoragePools.fill(pool(), home, "w", CHUNKS / 2, CHUNK);
        untilIdle();
        long v = (long) CHUNKS * CHUNK;
        disks.getFirst()
                .fate(request ->
                        request.operation() == BlockOperation.WRITE_ZEROES ? Fate.HELD : Fate.DONE);
        pool().delete("v");
        until(() -> view().now().reclaim().totalBytes() == v);
        assertThat(view().jobs()).containsExactly(new Progress("reclaim", 0, v, 0));
        // Until all of it is about to be zeroed, so that the next one comes after it.
        steps();
        pool().delete("w");
        long all = v + v / 2;
        until(() -> view().now().reclaim().totalBytes() == all);
        pass(TimeUnit.SECONDS.toNanos(8));
        disks.getFirst().release();
        until(() -> view().now().reclaim().doneBytes() > 0);
        long rate = view().now().reclaim().bytesPerSecond();
        assertThat(view().jobs()).containsExactly(new Progress("reclaim", v, all, rate));
        assertThat(rate).isBetween(v / 9, v / 8);
        disks.getFirst().fate(_ -> Fate.DONE);
        disks.getFirst().release();
        untilIdle();
    }

    /** Before anybody has looked at what the pages of its map refer to. */
    @Test
    void whatADeletedVolumeHadIsShownAtOnce() {
        open(1, 1);
        int pages = 40;
        long apart = (long) PoolFormat.FANOUT * CHUNK;
        pool().createVolume("x", new VolumeFormat(pages * apart, 512, 4096));
        StoragePools.fill(pool(), home, "x", pages, CHUNK, apart);
        untilIdle();
        disks.getFirst()
                .fate(request ->
                        request.operation() == BlockOperation.WRITE_ZEROES ? Fate.HELD : Fate.DONE);
        pool().delete("x");
        for (int i = 0; i < 20; i++) {
            view().refresh();
            assertThat(view().jobs())
                    .containsExactly(new Progress("reclaim", 0, (long) pages * CHUNK, 0));
        }
        disks.getFirst().fate(_ -> Fate.DONE);
        disks.getFirst().release();
        untilIdle();
    }

    private void steps() {
        for (int i = 0; i < 1000; i++) {
            home.step();
        }
    }

    private void pass(long nanos) {
        var over = new AtomicBoolean();
        home.execute(() -> home.schedule(nanos, () -> over.set(true)));
        until(over::get);
    }

    @Test
    void whatIsReservedIsNotFree() {
        open(1, 1);
        long free = view().space().freeBytes();
        pool().createDedicatedVolume("d", new VolumeFormat(8 * CHUNK, 512, 4096));
        view().refresh();
        assertThat(view().space().freeBytes()).isEqualTo(free - 8 * CHUNK);
        pool().createDedicatedVolume("rest", new VolumeFormat(free - 8 * CHUNK, 512, 4096));
        // What metadata needs grows, and goes beyond what there is.
        String name = "n".repeat(100);
        for (int i = 0; i < 1200; i++) {
            pool().createVolume(name + i, new VolumeFormat(CHUNK, 512, 4096));
        }
        view().refresh();
        var status = view().now().status();
        assertThat(status.unused()).isLessThan(status.reserved());
        assertThat(view().space().freeBytes()).isZero();
    }

    @Test
    void whatIsShownIsNotOlderThanASecondAndNobodyWaitsForIt() {
        open(1, 1);
        for (String name : List.of("w", "x")) {
            pool().createVolume(name, new VolumeFormat(CHUNK, 512, 4096));
            int before = view().now().volumes().size();
            steps();
            assertThat(view().now().volumes()).hasSize(before);
            clock.addAndGet(TimeUnit.SECONDS.toNanos(1) + 1);
            assertThat(view().now().volumes()).hasSize(before);
            steps();
            assertThat(view().now().volumes()).hasSize(before + 1);
        }
    }

    @Test
    void whatIsChangedHereIsShownSoon() {
        open(1, 1);
        pool().createVolume("w", new VolumeFormat(CHUNK, 512, 4096));
        view().changed();
        assertThat(view().now().volumes()).hasSize(1);
        steps();
        assertThat(view().now().volumes()).hasSize(2);
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
