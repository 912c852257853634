package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.fabric.storage.pool.DrainStatus.State;
import io.vireo.linux.ForeignMemory;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.DiskFault;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A member leaves a pool that is in use. */
class DrainTest {
    private static final int CHUNK = 16 << 10;
    private static final int CHUNKS = 64;

    private final Reactor home = Reactor.stepped("drain");
    private final SimulatedDisk first = disk(0, 8 << 20);
    private final SimulatedDisk second = disk(1, 8 << 20);
    private final Random random = new Random(7);
    private final byte[] model = new byte[CHUNKS];
    private StoragePool pool;
    private SteppedClient client;

    @BeforeEach
    void create() {
        StoragePool.create(PoolStore.CONFIG, List.of(first, second), home);
        open(first, second);
        pool.createVolume("v", new VolumeFormat((long) CHUNKS * CHUNK, 512, 4096));
        client = new SteppedClient(pool.device("v"), home);
        for (int i = 0; i < CHUNKS; i++) {
            write(i, i + 1);
        }
        flush();
        pool.checkpoint();
    }

    @AfterEach
    void close() {
        first.faults(_ -> DiskFault.NONE);
        second.faults(_ -> DiskFault.NONE);
        client.close();
        pool.abandon();
        home.close();
    }

    private static SimulatedDisk disk(int number, long bytes) {
        var disk = new SimulatedDisk(number, new DiskImage(bytes), new DiskLog(), 1, true);
        disk.logging(false);
        return disk;
    }

    private void open(BlockDevice... disks) {
        pool = StoragePool.open(List.of(disks), home, PoolOptions.DEFAULT);
    }

    private void reopen(BlockDevice... disks) {
        client.close();
        pool.close();
        assertThat(PoolCheck.run(List.of(disks), home).findings()).isEmpty();
        open(disks);
        client = new SteppedClient(pool.device("v"), home);
    }

    private void write(int chunk, int value) {
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) value);
        assertThat(client.await(client.write((long) chunk * CHUNK, data, false)))
                .isEqualTo(BlockStatus.OK);
        model[chunk] = (byte) value;
    }

    private void flush() {
        assertThat(client.await(client.start(BlockOperation.FLUSH, 0, 0, _ -> {})))
                .isEqualTo(BlockStatus.OK);
    }

    private void assertContents() {
        for (int i = 0; i < CHUNKS; i++) {
            assertThat(client.read((long) i * CHUNK, CHUNK)).containsOnly(model[i]);
        }
    }

    private void until(State state) {
        for (int i = 0; i < 200_000 && pool.drainStatus().state() != state; i++) {
            assertThat(home.step()).as("something is left to do").isPositive();
        }
        assertThat(pool.drainStatus().state()).isEqualTo(state);
    }

    @Test
    void theFirstMemberLeavesAndTheJournalGoesOnElsewhere() {
        pool.snapshot("v", "s");
        pool.drain(first, 0);
        for (int i = 0; i < 400 && pool.drainStatus().state() != State.DONE; i++) {
            write(random.nextInt(16), 90 + i % 20);
            if (i % 7 == 0) {
                flush();
            }
        }
        until(State.DONE);
        for (int i = 0; i < 100; i++) {
            home.step();
        }
        int ring = (int) PoolStore.CONFIG.journalBytes();
        assertThat(first.contents().read(PoolFormat.HEADER_BYTES, ring))
                .as("the journal that was there")
                .containsOnly(0);
        first.vanish();
        write(3, 5);
        flush();
        assertContents();
        // A crash: what the journal has is found in its new place.
        client.close();
        pool.abandon();
        assertThat(PoolCheck.run(List.of(second), home).findings()).isEmpty();
        open(second);
        client = new SteppedClient(pool.device("v"), home);
        assertContents();
        assertThat(pool.volumes()).extracting(VolumeInfo::name).contains("v", "s");
        reopen(second);
        assertContents();
    }

    /** There is room for the ring elsewhere, but in single chunks. */
    @Test
    void aJournalThatHasNoRoomInOnePieceSaysSoAndWaitsForADisk() {
        var large = disk(0, 8 << 20);
        var small = disk(1, (1 << 20) + 130 * CHUNK);
        var third = disk(2, 4 << 20);
        StoragePool.create(PoolStore.CONFIG, List.of(large, small), home);
        StoragePool other = StoragePool.open(List.of(large, small), home, PoolOptions.DEFAULT);
        other.createVolume("w", new VolumeFormat(256L * CHUNK, 512, 4096));
        var writer = new SteppedClient(other.device("w"), home);
        byte[] block = new byte[512];
        block[0] = 1;
        for (int i = 0; i < 256; i++) {
            writer.await(writer.write((long) i * CHUNK, block, false));
        }
        for (int i = 0; i < 256; i++) {
            if (i % 3 != 0) {
                writer.await(
                        writer.start(BlockOperation.DISCARD, (long) i * CHUNK, CHUNK, _ -> {}));
            }
        }
        other.checkpoint();
        other.drain(large, 0);
        for (int i = 0; i < 2000 && other.drainStatus().trouble().isEmpty(); i++) {
            home.step();
        }
        assertThat(other.drainStatus().trouble()).contains("65536 bytes in one piece");
        long before = home.nanoTime();
        long flushes = large.counters().flushes();
        while (home.nanoTime() - before < TimeUnit.SECONDS.toNanos(60)) {
            home.step();
        }
        assertThat(large.counters().flushes() - flushes).as("of a minute").isBetween(10L, 200L);
        other.addMember(third, true);
        for (int i = 0; i < 20_000 && other.drainStatus().state() != State.DONE; i++) {
            home.step();
        }
        assertThat(other.drainStatus().state()).isEqualTo(State.DONE);
        assertThat(other.drainStatus().trouble()).isEmpty();
        writer.close();
        other.close();
    }

    @Test
    void aJournalThatIsInChunksMovesAgain() {
        pool.drain(first, 0);
        until(State.DONE);
        var third = disk(2, 8 << 20);
        pool.addMember(third, true);
        pool.drain(second, 0);
        for (int i = 0; i < 200 && pool.drainStatus().state() != State.DONE; i++) {
            write(random.nextInt(16), 50 + i % 20);
        }
        until(State.DONE);
        first.vanish();
        second.vanish();
        flush();
        client.close();
        pool.abandon();
        assertThat(PoolCheck.run(List.of(third), home).findings()).isEmpty();
        open(third);
        client = new SteppedClient(pool.device("v"), home);
        assertContents();
        write(1, 3);
        reopen(third);
        assertContents();
    }

    @Test
    void aDrainOfTheFirstMemberThatIsTakenBackLeavesTheJournalInChunks() {
        pool.drain(first, 16 * CHUNK);
        while (pool.drainStatus().movedBytes() == 0) {
            home.step();
        }
        pool.cancelDrain();
        assertThat(pool.drainStatus().state()).isEqualTo(State.CANCELLED);
        for (int i = 0; i < 16; i++) {
            write(i, 40 + i);
        }
        flush();
        reopen(second, first);
        assertContents();
        pool.drain(first, 0);
        until(State.DONE);
        reopen(second);
        assertContents();
    }

    @Test
    void aMemberLeavesWhileVolumesAndSnapshotsAreInUse() {
        pool.snapshot("v", "s");
        byte[] then = model.clone();
        for (int i = 0; i < 8; i++) {
            write(random.nextInt(16), 70 + i);
        }
        pool.drain(second, 0);
        for (int i = 0; i < 400 && pool.drainStatus().state() != State.DONE; i++) {
            write(random.nextInt(16), 90 + i % 20);
            if (i % 7 == 0) {
                flush();
            }
            if (i == 10) {
                pool.snapshot("v", "t");
                pool.delete("t");
            }
        }
        until(State.DONE);
        assertThat(pool.drainStatus().movedBytes()).isEqualTo(pool.drainStatus().totalBytes());
        assertContents();
        flush();
        second.vanish();
        write(3, 5);
        flush();
        reopen(first);
        assertContents();
        var snapshot = new SteppedClient(pool.device("s"), home);
        for (int i = 0; i < CHUNKS; i++) {
            assertThat(snapshot.read((long) i * CHUNK, CHUNK)).containsOnly(then[i]);
        }
        snapshot.close();
        // What was shared before is shared still.
        assertThat(pool.status().total() - pool.status().unused()).isLessThan(CHUNKS + 32);
    }

    @Test
    void whatLeftCanBeUsedAgainAndNumbersAreNot() {
        pool.drain(second, 0);
        until(State.DONE);
        for (int i = 0; i < 100; i++) {
            home.step();
        }
        pool.addMember(second, false);
        for (int i = 0; i < CHUNKS; i++) {
            write(i, 40 + i);
        }
        flush();
        reopen(second, first);
        assertContents();
        pool.drain(second, 0);
        until(State.DONE);
        reopen(first);
        assertContents();
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1})
    void aMemberLeavesAPoolWhoseLastVolumeIsGone(int which) {
        client.close();
        pool.delete("v");
        pool.checkpoint();
        pool.checkpoint();
        pool.drain(which == 0 ? first : second, 0);
        until(State.DONE);
        SimulatedDisk stays = which == 0 ? second : first;
        pool.close();
        assertThat(PoolCheck.run(List.of(stays), home).findings()).isEmpty();
        open(stays);
        pool.createVolume("v", new VolumeFormat((long) CHUNKS * CHUNK, 512, 4096));
        client = new SteppedClient(pool.device("v"), home);
        write(0, 1);
    }

    @Test
    void aDrainHasARateAndProgressAndCanBeCancelled() {
        pool.drain(second, 4 * CHUNK);
        long began = HomeIo.on(home, home::nanoTime);
        for (int i = 0; i < 100_000 && pool.drainStatus().movedBytes() == 0; i++) {
            home.step();
        }
        assertThat(pool.drainStatus().movedBytes()).isLessThan(pool.drainStatus().totalBytes());
        assertThatThrownBy(() -> pool.drain(second, 0)).hasMessageContaining("being drained");
        pool.cancelDrain();
        assertThat(pool.drainStatus().state()).isEqualTo(State.CANCELLED);
        assertContents();
        pool.drain(second, 16 * CHUNK);
        until(State.DONE);
        // 32 chunks or so, by the clock of the reactor.
        assertThat(HomeIo.on(home, home::nanoTime) - began).isGreaterThan(1_000_000_000L);
        reopen(first);
        assertContents();
    }

    @Test
    void whatIsBeingWrittenWhenADrainBeginsIsNotLost() {
        second.faults(DrainTest::stallsWrites);
        var half = new byte[CHUNK / 2];
        Arrays.fill(half, (byte) 99);
        var written = new ArrayList<CompletableFuture<BlockStatus>>();
        for (int i = 0; i < CHUNKS; i++) {
            written.add(client.write((long) i * CHUNK, half, false));
            model[i] = 99;
        }
        // Others write to the same chunks before that has ended.
        home.schedule(
                1_000_000,
                () -> {
                    for (int i = 0; i < CHUNKS; i++) {
                        written.add(client.write((long) i * CHUNK + CHUNK / 2, half, false));
                    }
                });
        home.schedule(50_000_000, second::release);
        pool.drain(second, 0);
        until(State.DONE);
        assertThat(written).hasSize(2 * CHUNKS);
        written.forEach(each -> assertThat(client.await(each)).isEqualTo(BlockStatus.OK));
        assertContents();
    }

    /** What is to become zeroes could be data by then. */
    @Test
    void noMetadataThatIsBeingOverwrittenIsGivenAwayWhenADrainBegins() {
        Engine engine = pool.engine();
        openAnEmptyChunk(engine.meta());
        second.faults(DrainTest::stallsWrites);
        engine.erasure().ask();
        while (!engine.erasure().isRunning()) {
            assertThat(home.step()).isPositive();
        }
        long inUse = engine.space().area(1).inUse();
        pool.drain(second, 0);
        for (int i = 0; i < 1000; i++) {
            home.step();
        }
        assertThat(engine.space().area(1).inUse()).isEqualTo(inUse);
        second.faults(_ -> DiskFault.NONE);
        second.release();
        until(State.MOVING);
        assertThat(engine.space().area(1).inUse()).isLessThan(inUse);
    }

    /** The chunk that blocks of metadata are taken from is an empty one of the second member. */
    private static void openAnEmptyChunk(MetaSpace meta) {
        long block = meta.take();
        while (PoolFormat.member(PoolFormat.chunkOf(block)) != 1 || PoolFormat.blockOf(block) > 0) {
            block = meta.take();
        }
        meta.retire(block);
        meta.freeRetired(meta.retired());
    }

    private static DiskFault stallsWrites(BlockRequest request) {
        return request.operation() == BlockOperation.WRITE
                ? new DiskFault.Stalls()
                : DiskFault.NONE;
    }

    @Test
    void whatIsWrittenAfterADrainWasCancelledIsNotLost() {
        var stalled = new AtomicInteger();
        first.faults(request -> {
            boolean copy = request.operation() == BlockOperation.WRITE && request.length() == CHUNK;
            stalled.addAndGet(copy ? 1 : 0);
            return copy ? new DiskFault.Stalls() : DiskFault.NONE;
        });
        pool.drain(second, 0);
        for (int i = 0; i < 100_000 && stalled.get() == 0; i++) {
            home.step();
        }
        assertThat(stalled.get()).as("chunks that are being copied").isPositive();
        pool.cancelDrain();
        first.faults(_ -> DiskFault.NONE);
        for (int i = 0; i < CHUNKS; i++) {
            write(i, 100 + i % 20);
        }
        // It is begun again while the copies of before are still on their way.
        pool.drain(second, 0);
        first.release();
        until(State.DONE);
        assertContents();
        reopen(first);
        assertContents();
    }

    @Test
    void aPoolCanBeClosedWhileADiskHoldsUpTheWipeOfWhatLeft() {
        second.faults(request -> {
            boolean wipe =
                    request.operation() == BlockOperation.WRITE
                            && request.offset() == PoolFormat.SUPERBLOCKS[0]
                            && ForeignMemory.getByte(request.data().address(0)) == 0;
            return wipe ? new DiskFault.Stalls() : DiskFault.NONE;
        });
        pool.drain(second, 0);
        until(State.DONE);
        for (int i = 0; i < 100; i++) {
            home.step();
        }
        assertThat(HomeIo.on(home, () -> pool.engine().members().isLeaving(second)))
                .as("the wipe is held up")
                .isTrue();
        home.schedule(50_000_000, second::release);
        reopen(first);
        assertContents();
    }

    @Test
    void aMemberThatCannotBeReadStays() {
        second.faults(r -> r.operation() == BlockOperation.READ ? DiskFault.eio() : DiskFault.NONE);
        pool.drain(second, 0);
        until(State.CANCELLED);
        assertThat(pool.drainStatus().trouble()).contains("cannot be read").contains("stays");
        second.faults(_ -> DiskFault.NONE);
        assertContents();
        pool.drain(second, 0);
        until(State.DONE);
        assertContents();
    }

    @Test
    void whatCannotLeaveIsRefused() {
        assertThatThrownBy(() -> pool.drain(disk(9, 4 << 20), 0))
                .hasMessageContaining("not a member");
        pool.createVolume("w", new VolumeFormat(16 << 20, 512, 4096));
        var other = new SteppedClient(pool.device("w"), home);
        var data = new byte[CHUNK];
        data[0] = 1;
        while (pool.status().unused() > pool.status().reserved() + 8) {
            long at = (pool.status().total() - pool.status().unused()) * CHUNK;
            assertThat(other.await(other.write(at, data, false))).isEqualTo(BlockStatus.OK);
        }
        other.close();
        assertThatThrownBy(() -> pool.drain(second, 0)).hasMessageContaining("have room for");
    }

    @Test
    void aMirrorWithADiskThatFailedLeavesToo() {
        var disks = new ArrayList<SimulatedDisk>();
        for (int i = 0; i < 4; i++) {
            disks.add(disk(i, 8 << 20));
        }
        StoragePool.create(PoolStore.CONFIG.withCopies(2), List.<BlockDevice>copyOf(disks), home);
        StoragePool mirrored =
                StoragePool.open(List.<BlockDevice>copyOf(disks), home, PoolOptions.DEFAULT);
        mirrored.createVolume("m", new VolumeFormat(CHUNKS * CHUNK, 512, 4096));
        var user = new SteppedClient(mirrored.device("m"), home);
        byte[] data = new byte[CHUNKS * CHUNK];
        Arrays.fill(data, (byte) 6);
        assertThat(user.await(user.write(0, data, true))).isEqualTo(BlockStatus.OK);
        disks.get(2).vanish();
        mirrored.drain(disks.get(2), 0);
        for (int i = 0; i < 200_000 && mirrored.drainStatus().state() != State.DONE; i++) {
            home.step();
        }
        assertThat(mirrored.drainStatus().state()).isEqualTo(State.DONE);
        disks.get(1).vanish();
        disks.get(3).vanish();
        assertThat(user.read(0, data.length)).isEqualTo(data);
        assertThat(mirrored.mirrors()).hasSize(1);
        user.close();
        mirrored.abandon();
    }
}
