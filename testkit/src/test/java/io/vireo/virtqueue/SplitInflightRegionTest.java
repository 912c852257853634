package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.SplitDriverQueue;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What was in flight when a process died comes back, whenever it died. */
class SplitInflightRegionTest {
    private static final int SIZE = 16;
    private static final int HEADER = 16;
    private static final int ENTRY = 16;

    private final Rig rig = new Rig(SIZE);
    private final SplitDriverQueue driver = rig.split();
    private final int regionBytes = (int) InflightRegion.size(1, SIZE, false);
    private final long region = rig.memory.host(rig.memory.allocate(regionBytes, 64));
    private final long buffer = rig.buffer(64);

    @AfterEach
    void close() {
        rig.close();
    }

    private Virtqueue activate(Runnable observer) {
        return Rig.activate(config(observer));
    }

    private VirtqueueConfig config(Runnable observer) {
        InflightRegion inflight = InflightRegion.observed(region, 0, SIZE, false, observer);
        // What QEMU says after a crash: the used index.
        return rig.config(SIZE, Rig.ALL, driver.usedIndex(), Optional.of(inflight));
    }

    private List<Integer> popAll(Virtqueue queue) {
        rig.batch.clear();
        queue.pop(rig.batch, 64);
        List<Integer> heads = new ArrayList<>();
        for (int i = 0; i < rig.batch.count; i++) {
            heads.add(rig.batch.head[i]);
        }
        return heads;
    }

    private void offer(int count) {
        for (int i = 0; i < count; i++) {
            driver.addReadable(buffer, 1);
        }
        driver.publish();
    }

    @Test
    void sizeFollowsTheLayoutOfVhostUser() {
        assertThat(InflightRegion.size(1, 1, false)).isEqualTo(64);
        assertThat(InflightRegion.size(1, 128, false)).isEqualTo(16 + 128 * 16 + 48);
        assertThat(InflightRegion.size(4, 256, false)).isEqualTo(4 * (256 * 16 + 64));
        assertThat(InflightRegion.size(65535, 32768, false)).isEqualTo(65535L * (32768 * 16 + 64));
    }

    @Test
    void sizesOutOfRangeAreRefused() {
        for (int queues : new int[] {-1, 0, 65536}) {
            assertThatThrownBy(() -> InflightRegion.size(queues, 128, false))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        for (int size : new int[] {-1, 0, 3, 65535, 65536}) {
            assertThatThrownBy(() -> InflightRegion.size(1, size, false))
                    .isInstanceOf(IllegalArgumentException.class);
        }
    }

    @Test
    void chainsInFlightComeFirstInTheOrderInWhichTheyWereFetched() {
        Virtqueue first = activate(() -> {});
        offer(8);
        assertThat(popAll(first)).containsExactly(0, 1, 2, 3, 4, 5, 6, 7);
        for (int head : new int[] {6, 0, 3}) {
            first.push(head, 0);
        }
        first.flush();
        while (driver.poll()) {
            assertThat(driver.usedLength()).isZero();
        }
        // Heads 0, 3 and 6 are used again, in another order, and two more that nobody fetches.
        offer(3);
        popAll(first);
        offer(2);

        Virtqueue second = activate(() -> {});
        assertThat(second.recovered()).isEqualTo(8);
        assertThat(second.hasAvailable()).isTrue();
        assertThat(second.arm()).isFalse();
        List<Integer> heads = popAll(second);
        assertThat(heads).hasSize(10).startsWith(1, 2, 4, 5, 7);
        assertThat(heads.subList(5, 8)).containsExactlyInAnyOrder(0, 3, 6);
        assertThat(second.inFlight()).isEqualTo(10);
        heads.forEach(head -> second.push(head, 0));
        second.flush();
        int used = 0;
        while (driver.poll()) {
            used++;
        }
        assertThat(used).isEqualTo(10);
        assertThat(driver.free()).isEqualTo(SIZE);
        assertThat(activate(() -> {}).recovered()).isZero();
    }

    @Test
    void recoveredChainsMayBeGivenBackAndSurviveAgain() {
        offer(4);
        popAll(activate(() -> {}));
        Virtqueue second = activate(() -> {});
        assertThat(popAll(second)).containsExactly(0, 1, 2, 3);
        second.rewind(3);
        assertThat(second.stop()).isEqualTo(1);
        Virtqueue third = activate(() -> {});
        assertThat(third.recovered()).isEqualTo(4);
        assertThat(popAll(third)).containsExactly(0, 1, 2, 3);
        third.rewind(4);
        assertThat(popAll(third)).containsExactly(0, 1, 2, 3);
    }

    @Test
    void chainsBeforeOneThatIsCompletedAreOwedToWhoeverGoesOnWithoutTheRecord() {
        Virtqueue first = activate(() -> {});
        offer(6);
        popAll(first);
        first.push(1, 0);
        first.push(3, 0);
        first.flush();
        Virtqueue second = activate(() -> {});
        assertThat(second.owed()).isEqualTo(2);
        assertThat(popAll(second)).containsExactly(0, 2, 4, 5);
        assertThat(second.owed()).isZero();
        assertThat(second.last()).isEqualTo(5);
        second.rewind(1);
        assertThat(second.last()).isEqualTo(4);
        second.rewind(1);
        // The next one would be owed.
        assertThat(second.last()).isEqualTo(-1);
        assertThat(second.recoveredLeft()).isEqualTo(2);
        second.push(0, 0);
        second.push(2, 0);
        second.flush();
        Virtqueue elsewhere =
                Rig.activate(rig.config(SIZE, Rig.ALL, second.stop(), Optional.empty()));
        assertThat(popAll(elsewhere)).containsExactly(4, 5);
    }

    @Test
    void recoveredChainsKeepTheirOrderIfTheNextProcessDiesInTheMiddleOfThem() {
        offer(4);
        popAll(activate(() -> {}));
        rig.batch.clear();
        assertThat(activate(() -> {}).pop(rig.batch, 2)).isEqualTo(2);
        assertThat(popAll(activate(() -> {}))).containsExactly(0, 1, 2, 3);
    }

    /** Indices have 16 bits: where recovered chains were others are later. */
    @Test
    void chainsThatAreGivenBackALapLaterAreOthers() {
        offer(4);
        popAll(activate(() -> {}));
        Virtqueue queue = activate(() -> {});
        assertThat(popAll(queue)).containsExactly(0, 1, 2, 3);
        for (int head = 3; head >= 0; head--) {
            queue.push(head, 0);
        }
        queue.flush();
        for (int i = 0; i < 0xFFFF; i++) {
            collect();
            offer(1);
            queue.push(popAll(queue).getFirst(), 0);
            queue.flush();
        }
        collect();
        offer(1);
        assertThat(popAll(queue)).containsExactly(0);
        queue.rewind(1);
        assertThat(queue.base()).isEqualTo(3);
        assertThat(popAll(queue)).containsExactly(0);
        assertThat(rig.failures).isEmpty();
    }

    private void collect() {
        while (driver.poll()) {
            assertThat(driver.usedLength()).isZero();
        }
    }

    @Test
    void chainsGivenBackAreNotInFlight() {
        offer(4);
        Virtqueue first = activate(() -> {});
        popAll(first);
        first.rewind(2);
        Virtqueue second = activate(() -> {});
        assertThat(second.recovered()).isEqualTo(2);
        assertThat(popAll(second)).containsExactly(0, 1, 2, 3);
    }

    @Test
    void aRegionOfZerosIsInitializedWhereverTheRingIs() {
        // A guest that ran on another back end before.
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
    void aRegionThatSomebodyElseInitializedAndNeverUsed() {
        ForeignMemory.putShort(region + 8, (short) 1);
        ForeignMemory.putShort(region + 10, (short) SIZE);
        for (int i = 0; i < 3 * SIZE; i++) {
            offer(1);
            popAll(rig.queue);
            rig.queue.push(rig.batch.head[0], 0);
            rig.queue.flush();
            driver.poll();
        }
        assertThat(activate(() -> {}).recovered()).isZero();
    }

    // --- Dying anywhere ---

    /** All that outlives the process, and the heads that the driver waits for. */
    private record Death(byte[] memory, Set<Integer> owed) {}

    private final Set<Integer> offered = new HashSet<>();
    private int polled;

    /**
     * Runs a workload, copies what is shared at every store, and restarts from each copy: every
     * chain that the rings owe comes back once, and nothing else.
     */
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3, 4, 5, 6, 7, 8})
    void killedBetweenAnyTwoStoresNothingIsLostOrCompletedTwice(long seed) {
        Random random = new Random(seed);
        List<Death> deaths = new ArrayList<>();
        Virtqueue queue = activate(() -> deaths.add(die()));
        int served = 0;
        while (served < 60) {
            int more = Math.min(driver.free(), random.nextInt(5));
            for (int i = 0; i < more; i++) {
                offered.add(driver.addReadable(buffer, 1));
            }
            driver.publish();
            rig.batch.clear();
            queue.pop(rig.batch, 1 + random.nextInt(4));
            int completions = Math.min(random.nextInt(4), queue.inFlight());
            for (int i = 0; i < completions; i++) {
                queue.push(anyInFlight(queue, random), 0);
                served++;
            }
            deaths.add(die());
            queue.flush();
            while (random.nextInt(3) > 0 && driver.poll()) {
                offered.remove(driver.usedHead());
                polled++;
            }
        }
        assertThat(deaths).hasSizeGreaterThan(300);
        for (int i = 0; i < deaths.size(); i++) {
            assertRestart("seed " + seed + ", store " + i, deaths.get(i));
        }
    }

    private static int anyInFlight(Virtqueue queue, Random random) {
        int head;
        do {
            head = random.nextInt(SIZE);
        } while (!queue.inFlight(head));
        return head;
    }

    private Death die() {
        Set<Integer> owed = new HashSet<>(offered);
        for (int i = polled; i < driver.usedIndex(); i++) {
            owed.remove(driver.usedHeadAt(i & (SIZE - 1)));
        }
        long from = rig.memory.host(driver.descriptors());
        byte[] bytes = new byte[(int) (region + regionBytes - from)];
        ForeignMemory.copyToArray(from, bytes, 0, bytes.length);
        return new Death(bytes, owed);
    }

    private void restore(byte[] bytes) {
        long at = rig.memory.host(driver.descriptors());
        ForeignMemory.copyFromArray(bytes, 0, at, bytes.length);
    }

    private void assertRestart(String when, Death death) {
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

    private void assertServesWhatIsOwed(String when, Set<Integer> owed) {
        int before = driver.usedIndex();
        Virtqueue queue = activate(() -> {});
        List<Integer> heads = popAll(queue);
        assertThat(rig.failures).as(when).isEmpty();
        assertThat(heads).as(when).doesNotHaveDuplicates();
        assertThat(Set.copyOf(heads)).as(when).isEqualTo(owed);
        heads.forEach(head -> queue.push(head, 0));
        queue.flush();
        assertThat(driver.usedIndex()).as(when).isEqualTo(before + owed.size());
        assertThat(activate(() -> {}).recovered()).as(when).isZero();
    }

    // --- What comes back is hostile ---

    private void assertRefused(String message) {
        assertThatThrownBy(() -> config(() -> {}).activate())
                .isInstanceOf(VirtqueueException.class)
                .hasMessageContaining(message);
    }

    private void used(int entry) {
        Virtqueue queue = activate(() -> {});
        offer(entry);
        popAll(queue);
    }

    @Test
    void anotherVersion() {
        used(1);
        ForeignMemory.putShort(region + 8, (short) 2);
        assertRefused("version 2");
    }

    @Test
    void unknownFeatures() {
        used(1);
        ForeignMemory.putLong(region, 1);
        assertRefused("features");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 8, 17, 65535})
    void anotherNumberOfDescriptors(int count) {
        used(1);
        ForeignMemory.putShort(region + 10, (short) count);
        assertRefused("for " + count + " descriptors");
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 0x7F, 0xFF})
    void marksThatAreNeither0Nor1(int mark) {
        used(1);
        ForeignMemory.putByte(region + HEADER + 3 * ENTRY, (byte) mark);
        assertRefused("mark " + mark + " of descriptor 3");
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE, 0x8000, 0xFFFF})
    void lastBatchBeginsOutsideTheTable(int head) {
        used(2);
        ForeignMemory.putShort(region + 12, (short) head);
        ForeignMemory.putShort(region + 14, (short) -1);
        assertRefused("last batch has descriptor " + head);
    }

    @Test
    void lastBatchLeavesTheTable() {
        used(2);
        ForeignMemory.putShort(region + 14, (short) -2);
        ForeignMemory.putShort(region + HEADER + 6, (short) SIZE);
        assertRefused("last batch has descriptor 16");
    }

    @Test
    void lastBatchLoops() {
        used(2);
        ForeignMemory.putShort(region + 14, (short) -2);
        assertRefused("last batch loops");
    }

    @ParameterizedTest
    @ValueSource(ints = {1, SIZE + 1, 0x8000})
    void usedIndexIsFarFromTheRings(int index) {
        used(2);
        ForeignMemory.putShort(region + 14, (short) index);
        assertRefused("used buffers behind the used ring");
    }

    @Test
    void countersThatAreEqualOrHugeOnlyChangeTheOrder() {
        used(4);
        long[] counters = {-1, 7, 7, Long.MIN_VALUE};
        for (int i = 0; i < counters.length; i++) {
            ForeignMemory.putLong(region + HEADER + i * ENTRY + 8, counters[i]);
        }
        assertThat(popAll(activate(() -> {}))).containsExactly(1, 2, 3, 0);
    }

    @Test
    void everythingMarkedThoughNothingWasOffered() {
        used(1);
        for (int i = 0; i < SIZE; i++) {
            ForeignMemory.putByte(region + HEADER + i * ENTRY, (byte) 1);
        }
        // The driver's descriptors are what they are: validated as any others.
        Virtqueue queue = activate(() -> {});
        assertThat(queue.recovered()).isEqualTo(SIZE);
        List<Integer> heads = popAll(queue);
        heads.forEach(head -> queue.push(head, 0));
        queue.flush();
        assertThat(queue.pop(rig.batch, 1)).isZero();
        assertThat(rig.failures).hasSize(1);
    }

    @Test
    void aRegionForLargerQueuesServesASmallerOne() {
        int entries = 4 * SIZE;
        // The second of two queues: where it lies follows from the size that the region was made
        // for.
        long large =
                rig.memory.host(
                        rig.memory.allocate((int) InflightRegion.size(2, entries, false), 64));
        long own = large + InflightRegion.size(1, entries, false);
        offer(3);
        var first = Rig.activate(in(InflightRegion.of(large, 1, entries, false)));
        assertThat(popAll(first)).containsExactly(0, 1, 2);
        first.push(1, 0);
        first.flush();
        assertThat(ForeignMemory.getShort(own + 10)).isEqualTo((short) entries);
        assertThat(ForeignMemory.getShort(large + 8)).as("queue 0 is not touched").isZero();

        var second = Rig.activate(in(InflightRegion.of(large, 1, entries, false)));
        assertThat(second.recovered()).isEqualTo(2);
        assertThat(popAll(second)).containsExactly(0, 2);
        second.push(0, 0);
        second.push(2, 0);
        second.flush();
        assertThat(driver.usedIndex()).isEqualTo(3);

        // A mark behind the queue's end is nothing that we left.
        ForeignMemory.putByte(own + HEADER + SIZE * ENTRY, (byte) 1);
        var hostile = in(InflightRegion.of(large, 1, entries, false));
        assertThatThrownBy(hostile::activate).isInstanceOf(VirtqueueException.class);
    }

    private VirtqueueConfig in(InflightRegion inflight) {
        return rig.config(SIZE, Rig.ALL, driver.usedIndex(), Optional.of(inflight));
    }

    @Test
    void aRegionForAnotherQueueSize() {
        InflightRegion other = InflightRegion.of(region, 0, SIZE / 2, false);
        assertThatThrownBy(() -> rig.config(SIZE, Rig.ALL, 0, Optional.of(other)).activate())
                .isInstanceOf(VirtqueueException.class)
                .hasMessageContaining("queues of 8");
    }
}
