package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.ThreadMXBean;
import io.vireo.block.BlockChannel;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockRequest;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.memory.OwnMemory;
import io.vireo.reactor.Poller;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.MemoryBlockDevice;
import java.lang.management.ManagementFactory;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What writes of zeroes do to a volume that looks for them. */
class ZeroDetectionTest {
    private static final int CHUNK = 16 << 10;
    private static final int CAPACITY = 64 * CHUNK;

    /** The ways that data takes. */
    enum Way {
        PLAIN(false, false),
        ENCRYPTED(true, false),
        SUMMED(false, true),
        SUMMED_AND_ENCRYPTED(true, true);

        final boolean encrypted;
        final boolean checksums;

        Way(boolean encrypted, boolean checksums) {
            this.encrypted = encrypted;
            this.checksums = checksums;
        }
    }

    private final Reactor home = Reactor.stepped("zeroes");
    private final MemoryBlockDevice disk = new MemoryBlockDevice(16 << 20, 512);
    private StoragePool pool;
    private @Nullable SteppedClient client;

    @BeforeEach
    void open() {
        disk.logging(false);
        StoragePool.create(new PoolConfig(CHUNK, 64 << 10, true, true), List.of(disk), home);
        pool = StoragePool.open(List.of(disk), home, PoolOptions.DEFAULT);
        pool.keys(new TestKeys(1));
    }

    private SteppedClient client() {
        return Objects.requireNonNull(client);
    }

    private void create(Way way) {
        pool.createVolume("a", new VolumeFormat(CAPACITY, 512, 4096, way.encrypted, way.checksums));
        pool.unlock("a");
        pool.device("a").zeroDetection(true);
        client = new SteppedClient(pool.device("a"), home);
    }

    @AfterEach
    void close() {
        client().close();
        pool.abandon();
        assertThat(PoolCheck.run(List.of(disk), home).findings()).isEmpty();
        disk.close();
        home.close();
    }

    private void write(long at, byte[] data) {
        assertThat(client().await(client().write(at, data, false))).isEqualTo(BlockStatus.OK);
    }

    private static byte[] sevens(int length) {
        byte[] data = new byte[length];
        Arrays.fill(data, (byte) 7);
        return data;
    }

    private long chunks(String name) {
        return pool.volumes().stream()
                        .filter(volume -> volume.name().equals(name))
                        .mapToLong(VolumeInfo::mappedBytes)
                        .sum()
                / CHUNK;
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void takeNoRoomWhereNothingIsMapped(Way way) {
        create(way);
        write(0, new byte[CAPACITY]);
        write(3 * CHUNK + 512, new byte[1024]);
        assertThat(chunks("a")).isZero();
        assertThat(client().read(0, CAPACITY)).containsOnly(0);
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void takeNoRoomBesideData(Way way) {
        create(way);
        byte[] data = new byte[20 * CHUNK];
        data[5 * CHUNK + 4711] = 1;
        data[12 * CHUNK - 1] = 2;
        write(CHUNK / 2, data);
        // Two bytes that are set, in a chunk each.
        assertThat(chunks("a")).isEqualTo(2);
        assertThat(client().read(CHUNK / 2, data.length)).isEqualTo(data);
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void giveWholeChunksBackAndOverwriteParts(Way way) {
        create(way);
        byte[] expected = sevens(4 * CHUNK);
        write(0, expected);
        pool.snapshot("a", "s");
        // All of chunk 1 and 2, and parts of 0 and 3, not in whole blocks of 4 KiB.
        write(CHUNK - 512, new byte[2 * CHUNK + 1024]);
        Arrays.fill(expected, CHUNK - 512, 3 * CHUNK + 512, (byte) 0);
        assertThat(chunks("a")).isEqualTo(2);
        assertThat(client().read(0, expected.length)).isEqualTo(expected);
        write(512, new byte[CHUNK - 1024]);
        Arrays.fill(expected, 512, CHUNK, (byte) 0);
        assertThat(chunks("a")).isEqualTo(2);
        assertThat(client().read(0, expected.length)).isEqualTo(expected);
        pool.unlock("s");
        var snapshot = new SteppedClient(pool.device("s"), home);
        assertThat(snapshot.read(0, expected.length)).isEqualTo(sevens(4 * CHUNK));
        snapshot.close();
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void areDurableWhenTheyAreAskedToBe(Way way) {
        create(way);
        write(0, sevens(2 * CHUNK));
        var flush = client().start(BlockOperation.FLUSH, 0, 0, _ -> {});
        assertThat(client().await(flush)).isEqualTo(BlockStatus.OK);
        assertThat(client().await(client().write(CHUNK, new byte[CHUNK], true)))
                .isEqualTo(BlockStatus.OK);
        client().close();
        pool.abandon();
        pool = StoragePool.open(List.of(disk), home, PoolOptions.DEFAULT);
        pool.keys(new TestKeys(1));
        pool.unlock("a");
        client = new SteppedClient(pool.device("a"), home);
        assertThat(chunks("a")).isEqualTo(1);
        assertThat(client().read(CHUNK, CHUNK)).containsOnly(0);
        assertThat(client().read(0, CHUNK)).isEqualTo(sevens(CHUNK));
    }

    @ParameterizedTest
    @EnumSource(Way.class)
    void takeRoomIfNobodyLooks(Way way) {
        create(way);
        pool.device("a").zeroDetection(false);
        write(0, new byte[2 * CHUNK]);
        assertThat(chunks("a")).isEqualTo(2);
        pool.device("a").zeroDetection(true);
        write(0, new byte[CHUNK]);
        assertThat(chunks("a")).isEqualTo(1);
    }

    @Test
    void wereZeroesWhateverTheClientDoesMeanwhile() {
        create(Way.PLAIN);
        disk.fate(request ->
                request.operation() == BlockOperation.WRITE
                        ? MemoryBlockDevice.Fate.HELD
                        : MemoryBlockDevice.Fate.DONE);
        try (var memory = OwnMemory.allocate(2 * CHUNK)) {
            memory.fill(CHUNK, CHUNK, (byte) 1);
            var write =
                    client().start(
                                    BlockOperation.WRITE,
                                    0,
                                    2 * CHUNK,
                                    request -> request.data().add(memory.address(), 2 * CHUNK));
            for (int i = 0; i < 20; i++) {
                home.step();
            }
            assertThat(write).isNotDone();
            memory.fill(0, 2 * CHUNK, (byte) 9);
            disk.fate(_ -> MemoryBlockDevice.Fate.DONE);
            disk.release();
            assertThat(client().await(write)).isEqualTo(BlockStatus.OK);
        }
        // What was found to be zeroes is; the other half is whatever the disk saw of it.
        assertThat(client().read(0, CHUNK)).containsOnly(0);
        assertThat(chunks("a")).isEqualTo(1);
    }

    @Test
    void areFoundWhereverTheyLie() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("vireo.seed=" + seed);
        create(Way.PLAIN);
        var random = new Random(seed);
        try (var memory = OwnMemory.allocate(8 << 10)) {
            for (int i = 0; i < 20_000; i++) {
                int from = random.nextInt(200);
                int length = 1 + random.nextInt(500);
                assertThat(ZeroChunks.isZero(memory.address() + from, length)).isTrue();
                int set = random.nextInt(1000);
                memory.put(set, new byte[] {(byte) (1 + random.nextInt(255))});
                assertThat(ZeroChunks.isZero(memory.address() + from, length))
                        .as("seed %d, %d+%d, byte %d", seed, from, length, set)
                        .isEqualTo(set < from || set >= from + length);
                memory.put(set, new byte[1]);
            }
        }
    }

    /** Keeps some writes under way, data and zeroes. */
    private final class Load implements Poller {
        private final BlockChannel channel = pool.device("a").open(home);
        private final OwnMemory memory = OwnMemory.allocate(2 * CHUNK);
        private long ended;

        Load() {
            memory.fill(0, CHUNK, (byte) 7);
            for (int i = 0; i < 8; i++) {
                again(new BlockRequest(i, this::again));
            }
        }

        private void again(BlockRequest request) {
            ended++;
            int tag = request.tag();
            request.prepare(BlockOperation.WRITE, (long) tag * CHUNK, CHUNK)
                    .data()
                    .add(memory.address() + tag % 2 * (long) CHUNK, CHUNK);
            channel.submit(request);
        }

        @Override
        public int poll() {
            return channel.poll();
        }

        @Override
        public String name() {
            return "load";
        }
    }

    @Test
    void costNoAllocation() {
        create(Way.PLAIN);
        var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long self = Thread.currentThread().threadId();
        var load = new Load();
        home.add(load);
        // A compiler that lags behind still allocates: the first round without counts.
        long least = Long.MAX_VALUE;
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
        while (least >= 2_000 && System.nanoTime() - deadline < 0) {
            long until = load.ended + 20_000;
            long before = threads.getThreadAllocatedBytes(self);
            while (load.ended < until) {
                home.step();
            }
            least = Math.min(least, threads.getThreadAllocatedBytes(self) - before);
        }
        assertThat(least).as("bytes for 20,000 requests").isLessThan(2_000);
        assertThat(chunks("a")).isEqualTo(4);
    }
}
