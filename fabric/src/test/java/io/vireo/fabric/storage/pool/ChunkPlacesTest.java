package io.vireo.fabric.storage.pool;

import static org.assertj.core.api.Assertions.assertThat;

import io.vireo.block.BlockDevice;
import io.vireo.block.BlockStatus;
import io.vireo.block.VolumeFormat;
import io.vireo.fabric.storage.format.PoolFormat;
import io.vireo.reactor.Reactor;
import io.vireo.testkit.crash.DiskImage;
import io.vireo.testkit.crash.DiskLog;
import io.vireo.testkit.crash.SimulatedDisk;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * Where chunks are is found out in bounded time, whoever asks and whatever changes meanwhile. Two
 * members in stripes, windows of 64 chunks, and a pass that goes one page further in each turn.
 */
class ChunkPlacesTest {
    private static final int CHUNK = 16 << 10;
    private static final int WINDOW = 64;

    private final Reactor home = Reactor.stepped("chunk-places");
    private final List<BlockDevice> disks = List.of(disk(0), disk(1));
    private final StoragePool pool = open();
    private final List<String> served = new ArrayList<>();

    private static SimulatedDisk disk(int number) {
        var disk = new SimulatedDisk(number, new DiskImage(16 << 20), new DiskLog(), 1, true);
        disk.logging(false);
        return disk;
    }

    private StoragePool open() {
        StoragePool.create(PoolStore.CONFIG, disks, home);
        return StoragePool.open(disks, home, PoolStore.OPTIONS);
    }

    @AfterEach
    void close() {
        pool.abandon();
        home.close();
    }

    private ChunkPlaces places() {
        return new ChunkPlaces(pool.engine(), WINDOW, 1);
    }

    /** Makes a volume, and writes so many of its chunks, each so far from the one before. */
    private void fill(String name, int chunks, int distance) {
        pool.createVolume(
                name, new VolumeFormat((long) chunks * distance * CHUNK, 512, 4096, false, true));
        for (int i = 0; i < chunks; i++) {
            write(name, (long) i * distance);
        }
    }

    private void write(String name, long place) {
        var client = new SteppedClient(pool.device(name), home);
        assertThat(client.await(client.write(place * CHUNK, new byte[] {1, 2, 3, 4}, false)))
                .isEqualTo(BlockStatus.OK);
        client.close();
    }

    /** The places of all chunks that a volume has. */
    private Map<Long, Long> chunks(String name) {
        var found = new HashMap<Long, Long>();
        Engine engine = pool.engine();
        for (Volume volume : engine.volumes().all()) {
            for (long at = 0; volume.name.equals(name) && at < volume.capacity / CHUNK; at++) {
                long entry = engine.tree().find(volume.root, at);
                if (entry != 0) {
                    found.put(entry & PoolFormat.CHUNK_MASK, at);
                }
            }
        }
        return found;
    }

    private long firstOf(int member, Map<Long, Long> chunks) {
        return chunks.keySet().stream()
                .filter(chunk -> PoolFormat.member(chunk) == member)
                .min(Long::compare)
                .orElseThrow();
    }

    private int leaves() {
        int count = 0;
        int page = 0;
        while ((page = pool.engine().pages().nextLeaf(page)) != 0) {
            count++;
        }
        return count;
    }

    /** Turns until nobody waits. */
    private static int turns(ChunkPlaces places) {
        int turns = 0;
        while (places.poll() > 0) {
            turns++;
            assertThat(turns).as("turns").isLessThan(1000);
        }
        return turns;
    }

    @Test
    void onePassServesAllMembersThatWait() {
        fill("a", 40, 512);
        Map<Long, Long> chunks = chunks("a");
        long first = firstOf(0, chunks);
        long second = firstOf(1, chunks);
        ChunkPlaces places = places();
        assertThat(places.areKnown(first, first, () -> served.add("first"))).isFalse();
        assertThat(places.areKnown(second, second, () -> served.add("second"))).isFalse();
        assertThat(turns(places)).isEqualTo(leaves() + 1);
        assertThat(served).containsExactly("first", "second");
        // One does not have the other forgotten.
        assertThat(places.areKnown(first, first, () -> {})).isTrue();
        assertThat(places.areKnown(second, second, () -> {})).isTrue();
        assertThat(places.find(first)).isEqualTo(chunks.get(first));
        assertThat(places.find(second)).isEqualTo(chunks.get(second));
        places.close();
    }

    @Test
    void rangesOverTheEndOfAWindowAreKnownAfterOnePass() {
        fill("a", 400, 1);
        Map<Long, Long> chunks = chunks("a");
        for (int member = 0; member < 2; member++) {
            long start = firstOf(member, chunks);
            for (long first = start; first < start + 2 * WINDOW; first++) {
                ChunkPlaces places = places();
                long last = first + 16;
                assertThat(places.areKnown(first, last, () -> served.add("all"))).isFalse();
                assertThat(turns(places)).isEqualTo(leaves() + 1);
                for (long chunk = first; chunk <= last; chunk++) {
                    assertThat(places.find(chunk))
                            .isEqualTo(chunks.getOrDefault(chunk, ChunkPlaces.NONE));
                }
                places.close();
            }
        }
        assertThat(served).hasSize(4 * WINDOW);
    }

    @Test
    void manyPlacesOfOneMemberAreServedOneAfterTheOther() {
        fill("a", 400, 1);
        long first = firstOf(0, chunks("a"));
        ChunkPlaces places = places();
        for (long at : new long[] {first, first + 2 * WINDOW, first + 1}) {
            assertThat(places.areKnown(at, at, () -> served.add("" + (at - first)))).isFalse();
        }
        assertThat(turns(places)).isEqualTo(2 * (leaves() + 1));
        assertThat(served).containsExactly("0", "1", "" + 2 * WINDOW);
        places.close();
    }

    /** Neither is anything missed, nor does the pass begin again. */
    @Test
    void aLeafThatIsCopiedBehindThePassIsLookedAt() {
        // Numbers of pages that are free later, below all others.
        fill("gone", 4, 512);
        fill("a", 1, 1);
        fill("b", 8, 1);
        pool.snapshot("b", "s");
        pool.delete("gone");
        steps();
        Map<Long, Long> chunks = chunks("b");
        ChunkPlaces places = places();
        for (int member = 0; member < 2; member++) {
            long first = firstOf(member, chunks);
            assertThat(places.areKnown(first, first, () -> served.add("b"))).isFalse();
        }
        int before = leaves();
        places.poll();
        assertThat(served).isEmpty();
        // The leaf of both goes, before the pass has come to it.
        write("b", 0);
        pool.delete("s");
        steps();
        assertThat(leaves()).isEqualTo(before);
        assertThat(turns(places)).isLessThanOrEqualTo(before + 1);
        assertThat(served).hasSize(2);
        chunks("b")
                .forEach((chunk, place) -> {
                    if (place > 0) {
                        assertThat(places.find(chunk)).as("place of %d", chunk).isEqualTo(place);
                    }
                });
        places.close();
    }

    private void steps() {
        for (int i = 0; i < 500; i++) {
            home.step();
        }
    }

    @Test
    void whoWaitsForAMemberThatLeavesIsServed() {
        fill("a", 40, 1);
        long second = firstOf(1, chunks("a"));
        ChunkPlaces before = places();
        ChunkPlaces during = places();
        assertThat(before.areKnown(second, second + 3, () -> served.add("before"))).isFalse();
        assertThat(during.areKnown(second, second + 3, () -> served.add("during"))).isFalse();
        during.poll();
        assertThat(served).isEmpty();
        drained();
        turns(before);
        turns(during);
        assertThat(served).containsExactly("before", "during");
        before.close();
        during.close();
    }

    private void drained() {
        pool.drain(disks.get(1), 0);
        for (int i = 0; i < 100_000 && pool.engine().space().area(1).chunks() > 0; i++) {
            home.step();
        }
        assertThat(pool.engine().space().area(1).chunks()).isZero();
    }
}
