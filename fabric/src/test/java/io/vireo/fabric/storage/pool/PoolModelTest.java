package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.fabric.storage.pool.PoolModel.Shape;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.MemoryBlockDevice;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Random writes, zeroes, snapshots, clones, rollbacks, deletions and openings do what they do to
 * arrays. Replays with {@code -Dvireo.seed=N}.
 */
@Tag("endurance")
class PoolModelTest {
    private static final int STEPS = 1500;
    private static final Duration HOLD = Duration.ofMillis(300);

    @TempDir Path directory;

    private final long seed = CrashBed.seed();

    private final Reactor home = Reactor.stepped("model");
    private final List<MemoryBlockDevice> disks = new ArrayList<>();

    @AfterEach
    void close() {
        disks.forEach(MemoryBlockDevice::close);
        home.close();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void agreesWithArrays(int members) {
        agree(members, false, false);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 3})
    void agreesWithArraysIfThereAreChecksums(int members) {
        agree(members, true, false);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void agreesWithArraysIfZeroesAreLookedFor(boolean summed) {
        agree(2, summed, true);
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 32, 64, 128, 256, 512, 1024})
    void agreesWithArraysWhateverTheGrain(int kibibytes) {
        int chunk = kibibytes << 10;
        int chunks = Math.max(2, 24 * 16 / kibibytes);
        var config = new PoolConfig(chunk, 64 << 10, true, true);
        disk((2L << 20) + (20L * (chunks + 1) + 32) * chunk);
        boolean everyOther = Integer.numberOfTrailingZeros(kibibytes) % 2 == 0;
        agree(new Shape(config, chunks, everyOther, true), 150);
    }

    /** Disks become larger by and by. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void agreesWithArraysWhereThereIsNotRoomForAll(boolean summed) {
        disk(8 << 20);
        MemoryBlockDevice disk = disks.getFirst();
        disk.pretendToGrow(1792 << 10);
        var config = new PoolConfig(16 << 10, 64 << 10, true, true);
        var shape = new Shape(config, 24, summed, random().nextBoolean());
        var options = new PoolOptions(HOLD, Duration.ofSeconds(1), new PoolEvents() {});
        var model = new PoolModel(shape, List.<BlockDevice>copyOf(disks), home, seed, options);
        model.crowded(() -> {
            long capacity = disk.geometry().capacity();
            disk.pretendToGrow(Math.min(3 << 20, capacity + (64 << 10)));
        });
        agree(model, STEPS);
    }

    /** No write that was acknowledged is lost, flushed or not. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void agreesWithArraysIfTheProcessIsKilled(boolean summed) {
        disk(8 << 20);
        disk(4 << 20);
        var config = new PoolConfig(16 << 10, 64 << 10, true, false);
        var options =
                new PoolOptions(
                        Duration.ofSeconds(60),
                        Duration.ofDays(1),
                        new PoolEvents() {},
                        Optional.of(directory));
        var shape = new Shape(config, 24, summed, random().nextBoolean());
        agree(new PoolModel(shape, List.<BlockDevice>copyOf(disks), home, seed, options), STEPS);
    }

    private Random random() {
        return new Random(seed);
    }

    private void agree(int members, boolean checksums, boolean zeroDetection) {
        for (int i = 0; i < members; i++) {
            disk((i == 0 ? 8L : 4L) << 20);
        }
        var config = new PoolConfig(16 << 10, 64 << 10, true, members == 1);
        agree(new Shape(config, 24, checksums, zeroDetection), STEPS);
    }

    private void agree(Shape shape, int steps) {
        agree(new PoolModel(shape, List.<BlockDevice>copyOf(disks), home, seed), steps);
    }

    private void agree(PoolModel model, int steps) {
        for (int i = 0; i < steps; i++) {
            model.step();
        }
        model.verify();
        model.reopen(true);
        model.verify();
        model.end(true);
        assertThat(PoolCheck.run(List.copyOf(disks), home).findings()).isEmpty();
    }

    private void disk(long bytes) {
        var disk = new MemoryBlockDevice(bytes, PoolModel.BLOCK);
        disk.logging(false);
        disks.add(disk);
    }
}
