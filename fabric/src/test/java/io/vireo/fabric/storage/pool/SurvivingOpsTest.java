package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process that dies loses nothing that it acknowledged, flushed or not. */
class SurvivingOpsTest {
    private static final int CHUNK = 16 << 10;
    private static final int CHUNKS = 64;
    private static final PoolConfig CONFIG = new PoolConfig(CHUNK, 64 << 10, true, true);
    private static final VolumeFormat FORMAT = new VolumeFormat((long) CHUNKS * CHUNK, 512, 4096);

    @TempDir Path directory;

    private final MemoryBlockDevice disk = new MemoryBlockDevice(32 << 20, 512);
    private Reactor home;
    private StoragePool pool;

    @BeforeEach
    void create() {
        home = Reactor.start(new ReactorConfig("pool-test", -1, PollMode.ADAPTIVE));
        disk.logging(false);
        StoragePool.create(CONFIG, List.of(disk), home);
        pool = open(Duration.ofDays(1));
        pool.createVolume("a", FORMAT);
    }

    @AfterEach
    void close() {
        pool.abandon();
        home.close();
        disk.close();
    }

    private StoragePool open(Duration commitAfter) {
        var options =
                new PoolOptions(
                        Duration.ofSeconds(1),
                        commitAfter,
                        new PoolEvents() {},
                        Optional.of(directory));
        return StoragePool.open(List.of(disk), home, options);
    }

    private void die() {
        pool.abandon();
        pool = open(Duration.ofDays(1));
    }

    private List<Path> left() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            return files.toList();
        }
    }

    private static byte[] pattern(int seed) {
        byte[] bytes = new byte[CHUNK];
        Arrays.fill(bytes, (byte) seed);
        return bytes;
    }

    @Test
    void writesThatNoFlushCoveredAreThere() {
        try (var client = new BlockClient(pool.device("a"), home)) {
            assertThat(client.write(0, pattern(7))).isEqualTo(BlockStatus.OK);
            assertThat(client.write(5 * CHUNK, pattern(8))).isEqualTo(BlockStatus.OK);
        }
        die();
        // The next one dies before anything of it is asked for.
        die();
        try (var client = new BlockClient(pool.device("a"), home)) {
            assertThat(client.read(0, CHUNK)).isEqualTo(pattern(7));
            assertThat(client.read(5 * CHUNK, CHUNK)).isEqualTo(pattern(8));
            assertThat(client.read(CHUNK, CHUNK)).isEqualTo(pattern(0));
        }
    }

    @Test
    void nothingIsLeftOfAPoolThatWasClosed() throws IOException {
        try (var client = new BlockClient(pool.device("a"), home)) {
            assertThat(client.write(0, pattern(7))).isEqualTo(BlockStatus.OK);
        }
        assertThat(left()).hasSize(1);
        pool.close();
        assertThat(left()).isEmpty();
        pool = open(Duration.ofDays(1));
        assertThat(left()).hasSize(1);
    }

    @Test
    void whatIsOfAnotherBootIsLeftAlone() throws IOException {
        try (var client = new BlockClient(pool.device("a"), home)) {
            assertThat(client.write(0, pattern(7))).isEqualTo(BlockStatus.OK);
        }
        pool.abandon();
        Path file = left().getFirst();
        byte[] bytes = Files.readAllBytes(file);
        bytes[8] ^= 1;
        Files.write(file, bytes);
        pool = open(Duration.ofDays(1));
        try (var client = new BlockClient(pool.device("a"), home)) {
            assertThat(client.read(0, CHUNK)).isEqualTo(pattern(0));
        }
    }

    @Test
    void aFileThatWasCutOffIsLeftAlone() throws IOException {
        try (var client = new BlockClient(pool.device("a"), home)) {
            assertThat(client.write(0, pattern(7))).isEqualTo(BlockStatus.OK);
        }
        pool.abandon();
        Path file = left().getFirst();
        Files.write(file, Arrays.copyOf(Files.readAllBytes(file), 3 * 4096));
        pool = open(Duration.ofDays(1));
        try (var client = new BlockClient(pool.device("a"), home)) {
            assertThat(client.read(0, CHUNK)).isEqualTo(pattern(0));
        }
    }

    /** Writes, flushes, snapshots and deletions, with a death after every few of them. */
    @Test
    void aModelAgreesAfterEachDeath() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("SurvivingOpsTest -Dvireo.seed=" + seed);
        var random = new Random(seed);
        Map<String, byte[]> model = new HashMap<>();
        model.put("a", new byte[CHUNKS]);
        var snapshots = new ArrayList<String>();
        for (int step = 0; step < 600; step++) {
            step(random, model, snapshots, step);
            if (random.nextInt(12) == 0) {
                die();
                model.forEach(this::compare);
            }
        }
    }

    private void step(Random random, Map<String, byte[]> model, List<String> snapshots, int step) {
        byte[] tags = Objects.requireNonNull(model.get("a"));
        int what = random.nextInt(20);
        if (what == 0 && snapshots.size() < 6) {
            var name = "s" + step;
            pool.snapshot("a", name);
            model.put(name, tags.clone());
            snapshots.add(name);
        } else if (what == 1 && !snapshots.isEmpty()) {
            String name = snapshots.remove(random.nextInt(snapshots.size()));
            pool.delete(name);
            model.remove(name);
        } else {
            int chunk = random.nextInt(CHUNKS);
            try (var client = new BlockClient(pool.device("a"), home)) {
                if (what == 2) {
                    assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.OK);
                } else if (what == 3) {
                    assertThat(client.run(BlockOperation.WRITE_ZEROES, (long) chunk * CHUNK, CHUNK))
                            .isEqualTo(BlockStatus.OK);
                    tags[chunk] = 0;
                } else {
                    byte tag = (byte) (1 + random.nextInt(100));
                    assertThat(client.write((long) chunk * CHUNK, pattern(tag)))
                            .isEqualTo(BlockStatus.OK);
                    tags[chunk] = tag;
                }
            }
        }
    }

    private void compare(String volume, byte[] tags) {
        try (var client = new BlockClient(pool.device(volume), home)) {
            for (int chunk = 0; chunk < CHUNKS; chunk++) {
                byte[] read = client.read((long) chunk * CHUNK, CHUNK);
                assertThat(read).as(volume + " chunk " + chunk).isEqualTo(pattern(tags[chunk]));
            }
        }
    }
}
