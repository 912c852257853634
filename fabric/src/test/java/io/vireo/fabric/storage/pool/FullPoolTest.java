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
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A pool without room holds writes for a while, and loses nothing. */
class FullPoolTest implements PoolEvents {
    private static final int CHUNK = 16 << 10;
    private static final int CAPACITY = 8 << 20;

    private final Reactor home = Reactor.stepped("full");
    private final MemoryBlockDevice disk = new MemoryBlockDevice(8 << 20, 512);
    private final MemoryBlockDevice more = new MemoryBlockDevice(4 << 20, 512);
    private final List<String> events = new ArrayList<>();
    private StoragePool pool;
    private SteppedClient client;
    private int written;

    @BeforeEach
    void open() {
        List<BlockDevice> disks = List.of(disk);
        disk.pretendToGrow(4 << 20);
        StoragePool.create(new PoolConfig(CHUNK, 64 << 10, true, true), disks, home);
        pool =
                StoragePool.open(
                        disks,
                        home,
                        new PoolOptions(Duration.ofSeconds(60), Duration.ofSeconds(1), this));
        pool.createVolume("v", new VolumeFormat(CAPACITY, 512, 4096));
        client = new SteppedClient(pool.device("v"), home);
    }

    @AfterEach
    void close() {
        client.close();
        pool.close();
        assertThat(PoolCheck.run(disks(), home).findings()).isEmpty();
        home.close();
        disk.close();
        more.close();
    }

    private List<BlockDevice> disks() {
        return events.contains("more") ? List.of(more, disk) : List.of(disk);
    }

    @Override
    public void full() {
        events.add("full");
    }

    @Override
    public void room() {
        events.add("room");
    }

    private static byte[] data(int chunk) {
        byte[] data = new byte[CHUNK];
        Arrays.fill(data, (byte) (chunk + 1));
        return data;
    }

    private CompletableFuture<BlockStatus> write(int chunk) {
        return client.write((long) chunk * CHUNK, data(chunk), false);
    }

    private void fill() {
        while (client.await(write(written)) == BlockStatus.OK) {
            written++;
        }
        assertThat(events).containsExactly("full");
    }

    private void verify(int from, int chunks) {
        for (int i = from; i < chunks; i++) {
            assertThat(client.read((long) i * CHUNK, CHUNK)).isEqualTo(data(i));
        }
    }

    @Test
    void writesFailAfterTheTimeAndEverythingElseGoesOn() {
        long before = home.nanoTime();
        fill();
        assertThat(home.nanoTime() - before).isGreaterThanOrEqualTo(60_000_000_000L);
        assertThat(written).isGreaterThan(64);
        verify(0, written);
        assertThat(client.await(write(0))).isEqualTo(BlockStatus.OK);
        assertThat(client.await(client.start(BlockOperation.FLUSH, 0, 0, _ -> {})))
                .isEqualTo(BlockStatus.OK);
        pool.snapshot("v", "s");
        pool.checkpoint();
        // All is shared with the snapshot now: an overwrite needs room.
        assertThat(client.await(write(0))).isEqualTo(BlockStatus.NO_SPACE);
        pool.delete("s");
        assertThat(client.await(write(0))).isEqualTo(BlockStatus.OK);
        verify(0, written);
    }

    @Test
    void aThickVolumeHasItsRoomHoweverFullThePoolIs() {
        int chunks = 32;
        pool.createDedicatedVolume("thick", new VolumeFormat((long) chunks * CHUNK, 512, 4096));
        fill();
        var thick = new SteppedClient(pool.device("thick"), home);
        for (int i = 0; i < chunks; i++) {
            assertThat(thick.await(thick.write((long) i * CHUNK, data(i), false)))
                    .as("chunk %d", i)
                    .isEqualTo(BlockStatus.OK);
        }
        for (int i = 0; i < chunks; i++) {
            assertThat(thick.read((long) i * CHUNK, CHUNK)).isEqualTo(data(i));
        }
        thick.close();
        assertThat(client.await(write(written))).isEqualTo(BlockStatus.NO_SPACE);
        verify(0, written);
    }

    @Test
    void aHeldWriteGoesOnWhenChunksAreDiscarded() {
        fill();
        var held = write(written);
        var discard = client.start(BlockOperation.DISCARD, 0, 8L * CHUNK, _ -> {});
        assertThat(client.await(discard)).isEqualTo(BlockStatus.OK);
        assertThat(held).isNotDone();
        assertThat(client.await(held)).isEqualTo(BlockStatus.OK);
        verify(8, written + 1);
        assertThat(client.read(0, 8 * CHUNK)).isEqualTo(new byte[8 * CHUNK]);
        assertThat(events).contains("room");
    }

    @Test
    void aHeldWriteThatIsTakenBackEndsAtOnceAndOthersGoOnWaiting() {
        fill();
        client.close();
        client = new SteppedClient(pool.device("v"), home);
        long before = home.nanoTime();
        var first = write(written);
        var second = write(written + 1);
        client.cancel(0);
        assertThat(client.await(first)).isEqualTo(BlockStatus.CANCELLED);
        assertThat(home.nanoTime() - before).isLessThan(60_000_000_000L);
        assertThat(second).isNotDone();
        assertThat(client.await(client.start(BlockOperation.DISCARD, 0, 8L * CHUNK, _ -> {})))
                .isEqualTo(BlockStatus.OK);
        assertThat(client.await(second)).isEqualTo(BlockStatus.OK);
        verify(written + 1, written + 2);
        assertThat(client.read((long) written * CHUNK, CHUNK)).isEqualTo(new byte[CHUNK]);
    }

    /** Whenever it is taken back: also when it is just being tried again, in vain. */
    @Test
    void aHeldWriteThatIsTakenBackWhileOthersGetTheRoomEndsAtOnce() {
        fill();
        for (int steps = 0; steps < 30; steps++) {
            client.close();
            client = new SteppedClient(pool.device("v"), home);
            var first = write(written++);
            var second = write(written);
            assertThat(
                            client.await(
                                    client.start(
                                            BlockOperation.DISCARD,
                                            steps * (long) CHUNK,
                                            CHUNK,
                                            _ -> {})))
                    .isEqualTo(BlockStatus.OK);
            for (int i = 0; i < steps; i++) {
                home.step();
            }
            long before = home.nanoTime();
            client.cancel(1);
            assertThat(client.await(second))
                    .as("after %d steps", steps)
                    .isEqualTo(BlockStatus.CANCELLED);
            assertThat(client.await(first)).isEqualTo(BlockStatus.OK);
            assertThat(home.nanoTime() - before).isLessThan(60_000_000_000L);
        }
    }

    /** What is shared with a snapshot gives no room to anybody when it is discarded. */
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aWriteThatALimitHoldsGoesOnWhenTheVolumeHasLess(boolean discarded) {
        pool.snapshot("v", "empty");
        pool.limit("v", new AllocationLimit(4L * CHUNK));
        for (int i = 0; i < 4; i++) {
            assertThat(client.await(write(i))).isEqualTo(BlockStatus.OK);
        }
        pool.snapshot("v", "s");
        var held = write(4);
        for (int i = 0; i < 30; i++) {
            home.step();
        }
        assertThat(held).isNotDone();
        long before = home.nanoTime();
        if (discarded) {
            assertThat(client.await(client.start(BlockOperation.DISCARD, 0, CHUNK, _ -> {})))
                    .isEqualTo(BlockStatus.OK);
        } else {
            pool.rollback("v", "empty");
        }
        assertThat(client.await(held)).isEqualTo(BlockStatus.OK);
        assertThat(home.nanoTime() - before).isLessThan(10_000_000_000L);
        verify(4, 5);
    }

    /** Nothing more is free then, but what was shared may be changed in place. */
    @Test
    void aHeldWriteGoesOnWhenTheSnapshotIsDeletedThatItsChunkWasSharedWith() {
        fill();
        pool.snapshot("v", "s");
        var held = write(0);
        for (int i = 0; i < 50; i++) {
            home.step();
        }
        assertThat(held).isNotDone();
        long before = home.nanoTime();
        pool.delete("s");
        assertThat(client.await(held)).isEqualTo(BlockStatus.OK);
        assertThat(home.nanoTime() - before).isLessThan(10_000_000_000L);
        verify(0, written);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aHeldWriteGoesOnWhenTheMemberGrows(boolean zeroed) {
        fill();
        var held = write(written);
        disk.pretendToGrow(8 << 20);
        pool.growMembers(zeroed);
        assertThat(client.await(held)).isEqualTo(BlockStatus.OK);
        for (int i = 0; i < 64; i++) {
            written++;
            assertThat(client.await(write(written))).isEqualTo(BlockStatus.OK);
        }
        client.close();
        pool.abandon();
        pool = StoragePool.open(disks(), home, PoolOptions.DEFAULT);
        client = new SteppedClient(pool.device("v"), home);
        verify(0, written - 64);
        assertThat(pool.trouble()).isEmpty();
    }

    @Test
    void aHeldWriteGoesOnWhenAMemberIsAdded() {
        fill();
        var held = write(written);
        pool.addMember(more, true);
        events.add("more");
        assertThat(client.await(held)).isEqualTo(BlockStatus.OK);
        for (int i = 0; i < 64; i++) {
            written++;
            assertThat(client.await(write(written))).isEqualTo(BlockStatus.OK);
        }
        client.close();
        pool.close();
        pool = StoragePool.open(disks(), home, PoolOptions.DEFAULT);
        client = new SteppedClient(pool.device("v"), home);
        verify(0, written + 1);
    }
}
