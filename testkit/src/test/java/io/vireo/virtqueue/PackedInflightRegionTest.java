package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.PackedDriverQueue;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What was in flight when a process died comes back, whenever it died: packed queues. */
class PackedInflightRegionTest {
    private static final int SIZE = 13;
    private static final int HEADER = 32;
    private static final int ENTRY = 32;
    private static final int STALE = DriverQueue.base(SIZE, Rig.PACKED, 0);

    private final Rig rig = new Rig(SIZE, Rig.PACKED, 0);
    private final PackedDriverQueue driver = rig.packed();
    private final int regionBytes = (int) InflightRegion.size(1, SIZE, true);
    private final long region = rig.memory.host(rig.memory.allocate(regionBytes, 64));
    private final long table = rig.memory.allocate(4096, 64);
    private final long buffers = rig.buffer(65536);
    private long given;

    @AfterEach
    void close() {
        rig.close();
    }

    private VirtqueueConfig config(Runnable observer) {
        InflightRegion inflight = InflightRegion.observed(region, 0, SIZE, true, observer);
        // What QEMU says after a crash: where the queue was when it was started.
        return rig.config(SIZE, Rig.PACKED, STALE, Optional.of(inflight));
    }

    private Virtqueue activate(Runnable observer) {
        return Rig.activate(config(observer));
    }

    /** Pops all; the address of the first range of each chain, by buffer id. */
    private Map<Integer, Long> popAll(Virtqueue queue) {
        rig.batch.clear();
        queue.pop(rig.batch, 64);
        Map<Integer, Long> chains = new HashMap<>();
        for (int i = 0; i < rig.batch.count; i++) {
            int range = rig.batch.firstReadable[i];
            assertThat(chains.put(rig.batch.head[i], rig.batch.rangeAddress[range])).isNull();
        }
        return chains;
    }

    private List<Integer> ids() {
        List<Integer> ids = new ArrayList<>();
        for (int i = 0; i < rig.batch.count; i++) {
            ids.add(rig.batch.head[i]);
        }
        return ids;
    }

    /** A buffer that nobody else has for a long time. */
    private long buffer() {
        return buffers + 4 * (given++ & 0x3FFF);
    }

    private void offer(int count) {
        for (int i = 0; i < count; i++) {
            driver.addReadable(buffer(), 1);
        }
        driver.publish();
    }

    @Test
    void sizeFollowsTheLayoutOfVhostUser() {
        assertThat(InflightRegion.size(1, 1, true)).isEqualTo(64);
        assertThat(InflightRegion.size(1, 3, true)).isEqualTo(128);
        assertThat(InflightRegion.size(4, 256, true)).isEqualTo(4 * (256 * 32 + 64));
        assertThat(InflightRegion.size(65535, 32768, true)).isEqualTo(65535L * (32768 * 32 + 64));
        for (int size : new int[] {-1, 0, 32769, 65535}) {
            assertThatThrownBy(() -> InflightRegion.size(1, size, true))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void chainsInFlightComeFirstInTheOrderInWhichTheyWereFetched() {
        Virtqueue first = activate(() -> {});
        offer(8);
        popAll(first);
        for (int id : new int[] {6, 0, 3}) {
            first.push(id, 0);
        }
        first.flush();
        while (driver.poll()) {
            assertThat(driver.usedLength()).isZero();
        }
        // Ids 0, 3 and 6 are used again, and their descriptors overwrite those of 1 and 2.
        offer(8);
        Virtqueue second = activate(() -> {});
        assertThat(second.recovered()).isEqualTo(5);
        assertThat(second.hasAvailable()).isTrue();
        assertThat(second.arm()).isFalse();
        assertThat(popAll(second)).hasSize(13);
        assertThat(ids()).startsWith(1, 2, 4, 5, 7);
        ids().forEach(id -> second.push(id, 0));
        second.flush();
        int used = 0;
        while (driver.poll()) {
            used++;
        }
        assertThat(used).isEqualTo(13);
        assertThat(driver.free()).isEqualTo(SIZE);
        assertThat(activate(() -> {}).recovered()).isZero();
    }

    @Test
    void chainsGivenBackAreNotInFlight() {
        offer(6);
        Virtqueue first = activate(() -> {});
        popAll(first);
        first.rewind(2);
        Virtqueue second = activate(() -> {});
        assertThat(second.recovered()).isEqualTo(4);
        popAll(second);
        assertThat(ids()).containsExactly(0, 1, 2, 3, 4, 5);
        second.rewind(6);
        assertThat(second.stop() & 0xFFFF).isEqualTo(STALE & 0xFFFF);
        assertThat(activate(() -> {}).recovered()).isZero();
    }

    @Test
    void aRegionOfZerosIsInitializedWhereverTheRingIs() {
        for (int i = 0; i < 5; i++) {
            offer(1);
            popAll(rig.queue);
            rig.queue.push(rig.batch.head[0], 0);
            rig.queue.flush();
            driver.poll();
        }
        offer(1);
        Virtqueue queue = activate(() -> {});
        assertThat(queue.recovered()).isZero();
        assertThat(popAll(queue)).hasSize(1);
        assertThat(activate(() -> {}).recovered()).isEqualTo(1);
    }

    @Test
    void aBufferIdIsFreeWhenItsUseIsPublished() {
        Virtqueue queue = activate(() -> {});
        offer(1);
        popAll(queue);
        queue.push(0, 0);
        driver.offer(buffers, 1, 0, 0);
        assertThat(popAll(queue)).isEmpty();
        assertThat(rig.failures).singleElement().asString().contains("made available twice");
    }

    // --- Dying anywhere ---

    /** All that outlives the process, and the chains that the driver waits for. */
    private record Death(byte[] memory, Map<Integer, Long> owed) {}

    private final Map<Integer, Long> offered = new HashMap<>();

    /**
     * Runs a workload, copies what is shared at every store, and restarts from each copy: every
     * chain that the ring owes comes back once, with its buffers, and nothing else.
     */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void killedBetweenAnyTwoStoresNothingIsLostOrCompletedTwice(long seed) {
        Random random = new Random(seed);
        List<Death> deaths = new ArrayList<>();
        Virtqueue queue = activate(() -> deaths.add(die()));
        int served = 0;
        while (served < 60) {
            for (int more = random.nextInt(5); more > 0 && driver.free() >= 3; more--) {
                add(random);
            }
            driver.publish();
            rig.batch.clear();
            int popped = queue.pop(rig.batch, 1 + random.nextInt(4));
            if (random.nextInt(4) == 0) {
                queue.rewind(random.nextInt(popped + 1));
            }
            int completions = Math.min(random.nextInt(4), queue.inFlight());
            for (int i = 0; i < completions; i++) {
                queue.push(anyInFlight(queue, random), 0);
                served++;
            }
            deaths.add(die());
            queue.flush();
            while (random.nextInt(3) > 0 && driver.poll()) {
                offered.remove(driver.usedHead());
            }
        }
        assertThat(deaths).hasSizeGreaterThan(300);
        for (int i = 0; i < deaths.size(); i++) {
            assertRestart("seed " + seed + ", store " + i, deaths.get(i));
        }
    }

    private void add(Random random) {
        long at = buffer();
        long[] addresses = {at, at + 1, at + 2};
        int[] lengths = {1, 1, 1};
        int count = 1 + random.nextInt(3);
        int id;
        if (random.nextInt(3) == 0) {
            // A table for each id: it stays until the chain is used.
            id = driver.addIndirect(table + 64 * tables++ % 4096, addresses, lengths, count, 1);
        } else {
            id = driver.add(addresses, lengths, count, 1);
        }
        offered.put(id, rig.memory.host(at) - rig.memory.host(buffers) + host(buffers));
    }

    private int tables;

    private long host(long guest) {
        return rig.memory.table().translate(guest, 1);
    }

    private static int anyInFlight(Virtqueue queue, Random random) {
        int id;
        do {
            id = random.nextInt(SIZE);
        } while (!queue.inFlight(id));
        return id;
    }

    private Death die() {
        Map<Integer, Long> owed = new HashMap<>(offered);
        driver.visible().forEach(owed::remove);
        long from = rig.memory.host(driver.descriptors());
        byte[] bytes = new byte[(int) (rig.memory.host(table) + 4096 - from)];
        ForeignMemory.copyToArray(from, bytes, 0, bytes.length);
        return new Death(bytes, owed);
    }

    private void restore(byte[] bytes) {
        long at = rig.memory.host(driver.descriptors());
        ForeignMemory.copyFromArray(bytes, 0, at, bytes.length);
    }

    private void assertRestart(String when, Death death) {
        restore(death.memory);
        if (writeHalfOfTheBatch()) {
            assertServesWhatIsOwed(when + ", in the middle of a batch", death.owed);
        }
        restore(death.memory);
        List<byte[]> again = new ArrayList<>();
        activate(() -> again.add(die().memory));
        // A second death, anywhere during the recovery, changes nothing.
        for (byte[] memory : again) {
            restore(memory);
            assertServesWhatIsOwed(when + ", died again", death.owed);
        }
        restore(death.memory);
        assertServesWhatIsOwed(when, death.owed);
    }

    /** If a batch was about to be published, its used descriptors but the first. */
    private boolean writeHalfOfTheBatch() {
        int position = ForeignMemory.getShort(region + 18);
        int wrap = ForeignMemory.getByte(region + 21);
        int end = ForeignMemory.getShort(region + 16);
        int available = wrap != 0 ? PackedDriverQueue.AVAIL : PackedDriverQueue.USED;
        int bits = PackedDriverQueue.AVAIL | PackedDriverQueue.USED;
        if (position == end || (driver.flags(position) & bits) != available) {
            return false;
        }
        for (int at = (position + 1) % SIZE; at != end; at = (at + 1) % SIZE) {
            driver.flags(at, (at > position ? wrap : wrap ^ 1) != 0 ? bits : 0);
        }
        return true;
    }

    private void assertServesWhatIsOwed(String when, Map<Integer, Long> owed) {
        Virtqueue queue = activate(() -> {});
        Map<Integer, Long> chains = popAll(queue);
        assertThat(rig.failures).as(when).isEmpty();
        assertThat(chains).as(when).isEqualTo(owed);
        chains.keySet().forEach(id -> queue.push(id, 0));
        queue.flush();
        Virtqueue after = activate(() -> {});
        assertThat(after.recovered()).as(when).isZero();
        assertThat(after.hasAvailable()).as(when).isFalse();
    }

    // --- What comes back is hostile ---

    private void assertRefused(String message) {
        assertThatThrownBy(() -> config(() -> {}).activate())
                .isInstanceOf(VirtqueueException.class)
                .hasMessageContaining(message);
    }

    private void inFlight(int count) {
        Virtqueue queue = activate(() -> {});
        offer(count);
        popAll(queue);
    }

    private void putEntry(int entry, int field, int value) {
        ForeignMemory.putShort(region + HEADER + (long) ENTRY * entry + field, (short) value);
    }

    @Test
    void anotherVersion() {
        inFlight(1);
        ForeignMemory.putShort(region + 8, (short) 2);
        assertRefused("version 2");
    }

    @Test
    void unknownFeatures() {
        inFlight(1);
        ForeignMemory.putLong(region, 1);
        assertRefused("features");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 8, SIZE + 1, 65535})
    void anotherNumberOfDescriptors(int count) {
        inFlight(1);
        ForeignMemory.putShort(region + 10, (short) count);
        assertRefused("for " + count + " descriptors");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 0x7F, 0xFF})
    void marksThatAreNeither0Nor1(int mark) {
        inFlight(1);
        ForeignMemory.putByte(region + HEADER + 3 * ENTRY, (byte) mark);
        assertRefused("mark " + mark + " of descriptor 3");
    }

    @ParameterizedTest
    @ValueSource(ints = {16, 18})
    void usedIndexBeyondTheRing(int field) {
        inFlight(1);
        ForeignMemory.putShort(region + field, (short) SIZE);
        assertRefused("used index 13");
    }

    @ParameterizedTest
    @ValueSource(ints = {20, 21})
    void wrapCounterOfTwo(int field) {
        inFlight(1);
        ForeignMemory.putByte(region + field, (byte) 2);
        assertRefused("with wrap counter 2");
    }

    @Test
    void freeListThatLoops() {
        inFlight(2);
        putEntry(5, 2, 3);
        assertRefused("free list loops");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, SIZE + 1, 65535})
    void chainOfAnImpossibleLength(int count) {
        inFlight(1);
        putEntry(0, 6, count);
        assertRefused("in-flight chain of " + count + " descriptors");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, SIZE, 65535})
    void chainThatGoesOnInAnEntryOfAnother(int next) {
        inFlight(2);
        putEntry(0, 6, 2);
        putEntry(0, 2, next);
        assertRefused("in-flight chain with descriptor");
    }

    @Test
    void moreInFlightThanTheQueueHas() {
        long large = rig.memory.host(rig.memory.allocate(InflightRegion.size(1, 64, true), 64));
        InflightRegion made = InflightRegion.of(large, 0, 64, true);
        Rig.activate(rig.config(SIZE, Rig.PACKED, STALE, Optional.of(made))).stop();
        for (int i = 0; i < 20; i++) {
            ForeignMemory.putByte(large + HEADER + (long) ENTRY * i, (byte) 1);
            ForeignMemory.putShort(large + HEADER + (long) ENTRY * i + 6, (short) 1);
        }
        ForeignMemory.putShort(large + 12, (short) 64);
        ForeignMemory.putShort(large + 14, (short) 64);
        InflightRegion back = InflightRegion.of(large, 0, 64, true);
        assertThatThrownBy(() -> rig.config(SIZE, Rig.PACKED, STALE, Optional.of(back)).activate())
                .isInstanceOf(VirtqueueException.class)
                .hasMessageContaining("more descriptors than the queue");
    }

    @Test
    void whatTheRecordSaysOfBuffersIsValidatedLikeTheDriversWord() {
        inFlight(2);
        ForeignMemory.putLong(region + HEADER + ENTRY + 24, Long.MIN_VALUE);
        Virtqueue queue = activate(() -> {});
        assertThat(queue.recovered()).isEqualTo(2);
        assertThat(popAll(queue)).hasSize(1);
        assertThat(rig.failures).singleElement().asString().contains("not in the guest's memory");
    }

    @Test
    void countersThatAreEqualOrHugeOnlyChangeTheOrder() {
        inFlight(4);
        long[] counters = {-1, 7, 7, Long.MIN_VALUE};
        for (int i = 0; i < counters.length; i++) {
            ForeignMemory.putLong(region + HEADER + (long) i * ENTRY + 8, counters[i]);
        }
        popAll(activate(() -> {}));
        assertThat(ids()).containsExactly(1, 2, 3, 0);
    }

    @Test
    void theRecordOfAnotherFormatOrASmallerQueue() {
        InflightRegion small = InflightRegion.of(region, 0, SIZE / 2, true);
        assertThatThrownBy(() -> rig.config(SIZE, Rig.PACKED, 0, Optional.of(small)).activate())
                .hasMessageContaining("queues of 6");
        InflightRegion split = InflightRegion.of(region, 0, 16, false);
        assertThatThrownBy(() -> rig.config(SIZE, Rig.PACKED, 0, Optional.of(split)).activate())
                .hasMessageContaining("split queues");
        assertThatThrownBy(() -> rig.config(8, Rig.ALL, 0, Optional.of(small)).activate())
                .isInstanceOf(VirtqueueException.class);
    }
}
