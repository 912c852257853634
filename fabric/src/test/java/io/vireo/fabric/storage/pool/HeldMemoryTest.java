package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockOperation;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.MemoryBlockDevice;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Writes of which the pool makes copies, and for which it has no room, keep nobody waiting: neither
 * for memory, nor for blocks that are locked, nor for a barrier.
 */
class HeldMemoryTest {
    private enum Kind {
        MIRRORED,
        ENCRYPTED,
        SUMMED,
        ALL;

        VolumeFormat format(long capacity) {
            boolean encrypted = this == ENCRYPTED || this == ALL;
            boolean checksums = this == SUMMED || this == ALL;
            return new VolumeFormat(capacity, 512, 4096, encrypted, checksums);
        }

        int copies() {
            return this == MIRRORED || this == ALL ? 2 : 1;
        }
    }

    private static final int CHUNK = 16 << 10;
    private static final int CAPACITY = 64 << 20;
    private static final long SOON = Duration.ofSeconds(5).toNanos();

    private final Reactor home = Reactor.stepped("held-memory");
    private final List<MemoryBlockDevice> disks = new ArrayList<>();
    private final List<SteppedClient> clients = new ArrayList<>();
    private @Nullable StoragePool opened;

    private void open(Kind kind) {
        for (int i = 0; i < kind.copies(); i++) {
            disks.add(new MemoryBlockDevice(8 << 20, 512));
        }
        List<BlockDevice> all = List.copyOf(disks);
        var config = new PoolConfig(CHUNK, 64 << 10, true, true);
        StoragePool.create(config.withCopies(kind.copies()), all, home);
        opened =
                StoragePool.open(
                        all,
                        home,
                        new PoolOptions(
                                Duration.ofSeconds(60),
                                Duration.ofSeconds(1),
                                new PoolEvents() {}));
        pool().keys(new TestKeys(1));
        create("v", kind.format(CAPACITY));
        create("other", kind.format(CAPACITY));
    }

    private StoragePool pool() {
        return Objects.requireNonNull(opened);
    }

    private void create(String name, VolumeFormat format) {
        pool().createVolume(name, format);
        if (format.encrypted()) {
            pool().unlock(name);
        }
    }

    private SteppedClient client(String volume) {
        var client = new SteppedClient(pool().device(volume), home);
        clients.add(client);
        return client;
    }

    @AfterEach
    void close() {
        clients.forEach(SteppedClient::close);
        pool().close();
        assertThat(PoolCheck.run(List.copyOf(disks), home).findings()).isEmpty();
        home.close();
        disks.forEach(MemoryBlockDevice::close);
    }

    private long now() {
        return HomeIo.on(home, home::nanoTime);
    }

    private static byte[] data(int value, int length) {
        byte[] data = new byte[length];
        Arrays.fill(data, (byte) (value % 255 + 1));
        return data;
    }

    private static CompletableFuture<BlockStatus> write(
            SteppedClient client, int chunk, int value) {
        return client.write((long) chunk * CHUNK, data(value, CHUNK), false);
    }

    /** Writes chunks of a volume until there is no room for more; how many. */
    private static int fill(SteppedClient client) {
        for (int chunk = 0; ; chunk++) {
            if (client.await(write(client, chunk, chunk)) == BlockStatus.NO_SPACE) {
                return chunk;
            }
        }
    }

    private void step(int times) {
        for (int i = 0; i < times; i++) {
            home.step();
        }
    }

    private static void assertHas(SteppedClient client, int chunk, byte[] data) {
        assertThat(client.read((long) chunk * CHUNK, CHUNK)).as("chunk %d", chunk).isEqualTo(data);
    }

    /** There is one buffer of 64 KiB for each of them, and 64 MiB in all. */
    @ParameterizedTest
    @EnumSource(Kind.class)
    void howeverManyAreHeldOthersGoOnAndEachIsCarriedOutWhenThereIsRoom(Kind kind) {
        open(kind);
        SteppedClient other = client("other");
        for (int chunk = 0; chunk < 4; chunk++) {
            assertThat(other.await(write(other, chunk, 100))).isEqualTo(BlockStatus.OK);
        }
        SteppedClient client = client("v");
        int first = fill(client);
        var held = new ArrayList<CompletableFuture<BlockStatus>>();
        for (int i = 0; i < 6; i++) {
            SteppedClient one = client("v");
            for (int j = 0; j < 200; j++) {
                int number = held.size();
                held.add(write(one, first + number, number));
            }
        }
        step(50);
        long before = now();
        assertThat(other.await(write(other, 1, 7))).isEqualTo(BlockStatus.OK);
        assertHas(other, 1, data(7, CHUNK));
        assertHas(client, first - 1, data(first - 1, CHUNK));
        assertThat(client.await(write(client, 0, 8))).isEqualTo(BlockStatus.OK);
        assertThat(now() - before).isLessThan(SOON);
        assertThat(held).noneMatch(CompletableFuture::isDone);
        assertThat(client.await(client.start(BlockOperation.DISCARD, 0, 20L * CHUNK, _ -> {})))
                .isEqualTo(BlockStatus.OK);
        int carriedOut = 0;
        for (int i = 0; i < held.size(); i++) {
            boolean success = client.await(held.get(i)) == BlockStatus.OK;
            assertHas(client, first + i, success ? data(i, CHUNK) : new byte[CHUNK]);
            carriedOut += success ? 1 : 0;
        }
        assertThat(carriedOut).isBetween(15, 20);
    }

    /** What it has written already is written once more, or is left as it is. */
    @ParameterizedTest
    @EnumSource(Kind.class)
    void aWriteThatHasRoomForAPartIsWholeInTheEnd(Kind kind) {
        open(kind);
        SteppedClient client = client("v");
        int written = fill(client);
        long at = (long) (written - 2) * CHUNK + 1536;
        byte[] long1 = data(33, 5 * CHUNK);
        var held = client.write(at, long1, true);
        step(50);
        assertThat(held).isNotDone();
        for (int i = 0; i < 6; i++) {
            assertThat(
                            client.await(
                                    client.start(
                                            BlockOperation.DISCARD,
                                            (long) i * CHUNK,
                                            CHUNK,
                                            _ -> {})))
                    .isEqualTo(BlockStatus.OK);
            step(50);
        }
        long before = now();
        assertThat(client.await(held)).isEqualTo(BlockStatus.OK);
        assertThat(now() - before).isLessThan(SOON);
        assertThat(client.read(at, long1.length)).isEqualTo(long1);
        assertThat(client.read(at - 1536, 1536)).isEqualTo(data(written - 2, 1536));
        assertThat(client.read(at + long1.length, CHUNK - 1536)).containsOnly(0);
    }

    @ParameterizedTest
    @EnumSource(Kind.class)
    void aWriteOfAPartOfABlockThatIsHeldKeepsNoSnapshotWaiting(Kind kind) {
        open(kind);
        SteppedClient client = client("v");
        int written = fill(client);
        var held = client.write((long) written * CHUNK + 512, data(3, 1024), false);
        var zeroed = client.start(BlockOperation.WRITE_ZEROES, 512, 1024, _ -> {});
        assertThat(client.await(zeroed)).isEqualTo(BlockStatus.OK);
        long before = now();
        pool().snapshot("v", "s");
        // All is shared now.
        zeroed = client.start(BlockOperation.WRITE_ZEROES, 512, 2048, _ -> {});
        step(50);
        pool().snapshot("v", "t");
        assertThat(now() - before).isLessThan(SOON);
        assertThat(held).isNotDone();
        assertThat(zeroed).isNotDone();
        pool().delete("s");
        pool().delete("t");
        assertThat(client.await(zeroed)).isEqualTo(BlockStatus.OK);
        assertThat(now() - before).isLessThan(2 * SOON);
        assertThat(client.await(held)).isEqualTo(BlockStatus.NO_SPACE);
        assertThat(client.read(512, 2048)).containsOnly(0);
        assertThat(client.read(0, 512)).isEqualTo(data(0, 512));
        assertThat(client.read(2560, 1024)).isEqualTo(data(0, 1024));
    }

    /** Whenever it is taken back: also when its data is about to be copied once more. */
    @ParameterizedTest
    @EnumSource(Kind.class)
    void whatIsTakenBackEndsAtOnce(Kind kind) {
        open(kind);
        SteppedClient filling = client("v");
        int written = fill(filling);
        for (int steps = 0; steps < 30; steps++) {
            SteppedClient client = client("v");
            var first = write(client, written++, 1);
            var second = write(client, written, 2);
            step(20);
            var discard =
                    client.start(BlockOperation.DISCARD, steps * (long) CHUNK, CHUNK, _ -> {});
            assertThat(client.await(discard)).isEqualTo(BlockStatus.OK);
            step(steps);
            long before = now();
            client.cancel(1);
            assertThat(client.await(second))
                    .as("after %d steps", steps)
                    .isIn(BlockStatus.CANCELLED, BlockStatus.OK);
            assertThat(now() - before).isLessThan(SOON);
            // What checksums take and give back is room, too.
            assertThat(client.await(first)).isIn(BlockStatus.OK, BlockStatus.NO_SPACE);
        }
    }
}
