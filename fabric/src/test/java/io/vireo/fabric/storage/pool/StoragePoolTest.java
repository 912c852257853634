package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.PollMode;
import io.vireo.reactor.Reactor;
import io.vireo.reactor.ReactorConfig;
import io.vireo.resource.Progress;
import io.vireo.resource.ResourceException;
import io.vireo.testkit.BlockClient;
import io.vireo.testkit.MemoryBlockDevice;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Volumes, snapshots and what is left of them after the pool was closed, or not closed. */
class StoragePoolTest {
    private static final int CHUNK = 16 << 10;
    private static final PoolConfig CONFIG = new PoolConfig(CHUNK, 64 << 10, true, true);

    private static final Comparator<Progress> BY_DONE =
            Comparator.comparingLong(Progress::doneBytes);

    private final MemoryBlockDevice disk = new MemoryBlockDevice(16 << 20, 512);
    private Reactor home;
    private StoragePool pool;

    @BeforeEach
    void create() {
        home = Reactor.start(new ReactorConfig("pool-test", -1, PollMode.ADAPTIVE));
        disk.logging(false);
        StoragePool.create(CONFIG, List.of(disk), home);
        pool = open();
    }

    @AfterEach
    void close() {
        pool.abandon();
        home.close();
        disk.close();
    }

    private StoragePool open() {
        return StoragePool.open(List.of(disk), home, PoolOptions.DEFAULT);
    }

    private static byte[] pattern(int seed, int length) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) seed);
        return bytes;
    }

    private byte[] read(String volume, long at, int length) {
        try (var client = new BlockClient(pool.device(volume), home)) {
            return client.read(at, length);
        }
    }

    private void write(String volume, long at, byte[] data) {
        try (var client = new BlockClient(pool.device(volume), home)) {
            assertThat(client.write(at, data)).isEqualTo(BlockStatus.OK);
            assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.OK);
        }
    }

    @Test
    void whatWasFlushedIsThereAfterTheProcessDied() {
        pool.createVolume("a", new VolumeFormat(4 << 20, 512, 4096));
        write("a", 5 * 512, pattern(7, 3 * CHUNK));
        pool.abandon();
        pool = open();
        byte[] expected = new byte[8 * CHUNK];
        Arrays.fill(expected, 5 * 512, 5 * 512 + 3 * CHUNK, (byte) 7);
        assertThat(read("a", 0, expected.length)).isEqualTo(expected);
    }

    private long mappedChunks(String volume) {
        return pool.volumes().stream()
                        .filter(each -> each.name().equals(volume))
                        .mapToLong(VolumeInfo::mappedBytes)
                        .sum()
                / CHUNK;
    }

    private void run(BlockOperation operation, int first, int chunks, boolean unmap) {
        try (var client = new BlockClient(pool.device("a"), home)) {
            var ended =
                    client.start(
                            operation,
                            (long) first * CHUNK,
                            (long) chunks * CHUNK,
                            request -> request.unmap(unmap));
            assertThat(BlockClient.await(ended)).isEqualTo(BlockStatus.OK);
            assertThat(client.run(BlockOperation.FLUSH, 0, 0)).isEqualTo(BlockStatus.OK);
        }
    }

    @Test
    void whatIsDiscardedOrZeroedWithUnmapIsRoomAgain() {
        pool.createVolume("a", new VolumeFormat(4 << 20, 512, 4096));
        write("a", 0, pattern(7, 8 * CHUNK));
        long unused = pool.status().unused();
        assertThat(mappedChunks("a")).isEqualTo(8);
        run(BlockOperation.WRITE_ZEROES, 0, 2, false);
        assertThat(mappedChunks("a")).as("zeroes that keep their room").isEqualTo(8);
        run(BlockOperation.WRITE_ZEROES, 2, 2, true);
        assertThat(mappedChunks("a")).isEqualTo(6);
        run(BlockOperation.DISCARD, 4, 3, false);
        assertThat(mappedChunks("a")).isEqualTo(3);
        assertThat(pool.status().unused()).isGreaterThan(unused);
        assertThat(read("a", 0, 7 * CHUNK)).isEqualTo(new byte[7 * CHUNK]);
        assertThat(read("a", 7 * CHUNK, CHUNK)).isEqualTo(pattern(7, CHUNK));
    }

    @Test
    void moreCopiesAtOneMomentThanTheJournalCanTakeAreRefused() {
        pool.createVolume("a", new VolumeFormat(4 << 20, 512, 4096));
        var copies = new ArrayList<CopyOf>();
        while (copies.size() < 63) {
            copies.add(CopyOf.snapshot("a", "a." + copies.size()));
        }
        assertThatThrownBy(() -> pool.copy(copies))
                .isInstanceOf(ResourceException.class)
                .hasMessageContaining("make them of 62 at most");
        pool.copy(copies.subList(0, 62));
        assertThat(pool.volumes()).hasSize(63);
    }

    /** A leaf of maps, and sixteen of checksums, for each volume. */
    private void fillMaps() {
        for (String name : List.of("a", "b")) {
            pool.createVolume(name, new VolumeFormat(8L << 40, 512, 4096, false, true));
            for (int i = 0; i < 40; i++) {
                write(name, (long) i << 35, pattern(i + 1, CHUNK));
            }
        }
        pool.close();
    }

    @Test
    void tellsHowMuchOfItsMapsHasBeenRead() {
        fillMaps();
        var told = new ArrayList<Progress>();
        pool = StoragePool.open(List.of(disk), home, PoolOptions.DEFAULT, told::add);
        assertThat(told).hasSizeGreaterThan(2).isSortedAccordingTo(BY_DONE);
        assertThat(told.getLast().doneBytes()).isEqualTo(told.getLast().totalBytes());
        assertThat(told.getLast().job()).isEqualTo("open");
        // Inner pages, which are few, tell how many leaves there are.
        assertThat(told.stream().filter(each -> each.totalBytes() != told.getLast().totalBytes()))
                .allMatch(each -> each.doneBytes() * 2 < told.getLast().totalBytes());
        assertThat(read("b", 39L << 35, CHUNK)).isEqualTo(pattern(40, CHUNK));
    }

    @Test
    void anOpeningThatIsNotWantedAnyMoreEndsAndLeavesThePoolAsItWas() {
        fillMaps();
        var told = new ArrayList<Progress>();
        assertThatIllegalStateException()
                .isThrownBy(() ->
                        StoragePool.open(
                                List.of(disk),
                                home,
                                PoolOptions.DEFAULT,
                                now -> {
                                    told.add(now);
                                    throw new IllegalStateException("not wanted");
                                }))
                .withMessage("not wanted");
        assertThat(told).hasSize(1);
        pool = open();
        assertThat(read("a", 0, CHUNK)).isEqualTo(pattern(1, CHUNK));
    }

    @Test
    void aCheckpointHoldsWhatTheJournalHeld() {
        pool.createVolume("a", new VolumeFormat(4 << 20, 512, 4096));
        write("a", 0, pattern(7, 3 * CHUNK));
        pool.snapshot("a", "s");
        write("a", CHUNK + 512, pattern(8, 512));
        pool.close();
        pool = open();
        byte[] expected = pattern(7, 3 * CHUNK);
        assertThat(read("s", 0, expected.length)).isEqualTo(expected);
        Arrays.fill(expected, CHUNK + 512, CHUNK + 1024, (byte) 8);
        assertThat(read("a", 0, expected.length)).isEqualTo(expected);
        pool.rollback("a", "s");
        assertThat(read("a", 0, expected.length)).isEqualTo(pattern(7, 3 * CHUNK));
        pool.delete("s");
        pool.cloneVolume("a", "c");
        write("c", 0, pattern(9, CHUNK));
        assertThat(read("a", 0, CHUNK)).isEqualTo(pattern(7, CHUNK));
    }
}
