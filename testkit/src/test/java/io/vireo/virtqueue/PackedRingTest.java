package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.linux.ForeignMemory;
import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.PackedDriverQueue;
import io.vireo.virtqueue.VirtqueueConfig.RingAddresses;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What only packed queues have (VIRTIO 1.3, 2.8). */
class PackedRingTest {
    private static final int SIZE = 7;
    private static final long IN_ORDER = Rig.PACKED | Virtqueue.IN_ORDER;
    private static final int USED_BITS = PackedDriverQueue.AVAIL | PackedDriverQueue.USED;

    private final Rig rig = new Rig(SIZE, Rig.PACKED, 0);
    private final PackedDriverQueue driver = rig.packed();
    private final long buffer = rig.buffer(64);

    @AfterEach
    void close() {
        rig.close();
    }

    // --- Activation ---

    private static VirtqueueConfig config(Rig rig, int size, int base, RingAddresses addresses) {
        return new VirtqueueConfig(
                0,
                size,
                addresses,
                base,
                Rig.PACKED,
                rig.memory.table(),
                () -> {},
                Optional.empty(),
                (queue, cause) -> {});
    }

    private static RingAddresses parts(long ring, long driver, long device) {
        long user = DriverMemory.USER_BASE;
        return new RingAddresses(user + ring, user + driver, user + device);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 3, 255, 1000, 32767, 32768})
    void anySizeUpTo32768(int size) throws VirtqueueException {
        var queue = config(rig, size, 1 << 15, parts(1 << 20, 0x4000, 0x4004)).activate();
        assertThat(queue.size()).isEqualTo(size);
        assertThat(queue.hasAvailable()).isFalse();
    }

    @ParameterizedTest
    @ValueSource(ints = {Integer.MIN_VALUE, -1, 0, 32769, 65535, 65536})
    void otherSizesAreRefused(int size) {
        assertThatThrownBy(() -> config(rig, size, 1 << 15, parts(0, 0x4000, 0x8000)).activate())
                .isInstanceOf(VirtqueueException.class)
                .hasMessageContaining("queue size " + size);
    }

    @ParameterizedTest
    @CsvSource({
        "8, 4096, 8192, descriptor ring",
        "0, 4098, 8192, driver event",
        "0, 4096, 8194, device event"
    })
    void partsAreAligned(long ring, long driver, long device, String what) {
        assertThatThrownBy(() -> config(rig, SIZE, 0, parts(ring, driver, device)).activate())
                .isInstanceOf(VirtqueueException.class)
                .hasMessageContaining(what)
                .hasMessageContaining("aligned");
    }

    @ParameterizedTest
    @CsvSource({"0, 108, 8192", "0, 4096, 0", "0, 4096, 4096", "4096, 8192, 4204"})
    void partsDoNotOverlap(long ring, long driver, long device) {
        assertThatThrownBy(() -> config(rig, SIZE, 0, parts(ring, driver, device)).activate())
                .isInstanceOf(VirtqueueException.class)
                .hasMessageContaining("overlaps");
    }

    @ParameterizedTest
    @CsvSource({"16777216, 0, 4", "16777120, 0, 4", "0, 16777216, 4096", "0, 4096, 16777216"})
    void partsAreInTheMemory(long ring, long driver, long device) {
        assertThatThrownBy(() -> config(rig, SIZE, 0, parts(ring, driver, device)).activate())
                .isInstanceOf(VirtqueueException.class)
                .hasMessageContaining("not in the guest's memory");
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE, SIZE | 1 << 15, 0x7FFF, -1})
    void placeToGoOnFromIsInTheRing(int base) {
        assertThatThrownBy(() -> config(rig, SIZE, base, driver.addresses()).activate())
                .isInstanceOf(VirtqueueException.class)
                .hasMessageContaining("to go on from");
    }

    // --- Where a queue goes on ---

    private void serve(int chains, int descriptors) {
        long[] addresses = new long[descriptors];
        for (int i = 0; i < chains; i++) {
            java.util.Arrays.fill(addresses, buffer);
            driver.add(addresses, new int[] {1, 1, 1}, descriptors, 0);
            driver.publish();
            assertThat(rig.pop()).isEqualTo(1);
            rig.queue.push(rig.batch.head[0], 1);
            rig.queue.flush();
            assertThat(driver.poll()).isTrue();
        }
    }

    /** A front end whose back end died tells where that one began. */
    @ParameterizedTest
    @CsvSource({"0, 1", "1, 1", "6, 1", "7, 1", "8, 1", "14, 1", "20, 1", "1, 3", "5, 3", "9, 2"})
    void aFrontEndThatDoesNotKnowIsToldByTheRing(int chains, int descriptors) {
        serve(chains, descriptors);
        int refill = driver.free() - 2;
        for (int i = 0; i < refill; i++) {
            driver.addReadable(buffer, 1);
        }
        driver.publish();
        int stale = DriverQueue.base(SIZE, Rig.PACKED, 0);
        Virtqueue second = Rig.activate(rig.config(SIZE, Rig.PACKED, stale, Optional.empty()));
        assertThat(second.base()).isEqualTo(rig.queue.base());
        rig.batch.clear();
        assertThat(second.pop(rig.batch, 64)).isEqualTo(refill);
        assertThat(rig.failures).isEmpty();
    }

    @Test
    void aRingThatDoesNotTellIsAsTheFrontEndSays() {
        // Another back end does not mark the inner descriptors of chains.
        serve(2, 3);
        for (int position : new int[] {1, 2, 4, 5}) {
            driver.flags(position, PackedDriverQueue.AVAIL);
        }
        int base = rig.queue.base();
        Virtqueue second = Rig.activate(rig.config(SIZE, Rig.PACKED, base, Optional.empty()));
        assertThat(second.base()).isEqualTo(base);
    }

    @Test
    void frontEndsThatTellOnlyOneHalf() {
        serve(9, 1);
        int half = rig.queue.base() & 0xFFFF;
        Virtqueue second = Rig.activate(rig.config(SIZE, Rig.PACKED, half, Optional.empty()));
        assertThat(second.base()).isEqualTo(rig.queue.base());
    }

    // --- Descriptors ---

    @Test
    void chainsCrossTheEndOfTheRing() {
        for (int round = 0; round < 50; round++) {
            serve(1, 3);
        }
        assertThat(rig.failures).isEmpty();
        assertThat(rig.queue.base()).isEqualTo(DriverQueue.base(SIZE, Rig.PACKED, 150));
    }

    @Test
    void usedDescriptorsSayWhetherSomethingWasWritten() {
        int written = driver.addWritable(buffer, 8);
        int nothing = driver.addWritable(buffer, 8);
        driver.publish();
        rig.pop();
        rig.queue.push(nothing, 0);
        rig.queue.push(written, 5);
        assertThat(driver.flags(0)).isEqualTo(PackedDriverQueue.AVAIL | DriverQueue.WRITE);
        rig.queue.flush();
        assertThat(driver.flags(0)).isEqualTo(USED_BITS);
        assertThat(driver.id(0)).isEqualTo(nothing);
        assertThat(driver.flags(1)).isEqualTo(USED_BITS | DriverQueue.WRITE);
        assertThat(driver.id(1)).isEqualTo(written);
    }

    @Test
    void otherFlagsInATableAreIgnored() {
        long table = rig.buffer(64);
        driver.entry(table, 0, buffer, 8, 999, DriverQueue.INDIRECT | DriverQueue.NEXT);
        driver.entry(table, 1, buffer, 8, 5, DriverQueue.WRITE | USED_BITS);
        driver.offer(table, 32, 3, DriverQueue.INDIRECT | DriverQueue.WRITE);
        assertThat(rig.pop()).isEqualTo(1);
        assertThat(rig.batch.head[0]).isEqualTo(3);
        assertThat(rig.batch.readableRanges[0]).isEqualTo(1);
        assertThat(rig.batch.writableRanges[0]).isEqualTo(1);
    }

    @Test
    void nothingIsTakenFromAFullRing() {
        for (int i = 0; i < SIZE; i++) {
            driver.addReadable(buffer, 1);
        }
        driver.publish();
        assertThat(rig.pop()).isEqualTo(SIZE);
        // The driver pretends that one is free.
        driver.offer(buffer, 1, 0, 0);
        assertThat(rig.queue.hasAvailable()).isFalse();
        assertThat(rig.pop()).isZero();
        assertThat(rig.queue.popPlain(rig.batch, 8, false)).isZero();
        assertThat(rig.failures).isEmpty();
    }

    @Test
    void anotherTableOfRegionsMovesTheQueue() throws VirtqueueException {
        int first = driver.addReadable(buffer, 1);
        driver.addReadable(buffer, 2);
        driver.publish();
        assertThat(rig.queue.pop(rig.batch, 1)).isEqualTo(1);
        rig.queue.memory(rig.memory.table());
        assertThat(rig.queue.staleInFlight()).isEqualTo(1);
        assertThat(rig.queue.pop(rig.batch, 1)).isEqualTo(1);
        rig.queue.push(rig.batch.head, new int[2], 2);
        assertThat(rig.queue.staleInFlight()).isZero();
        rig.queue.flush();
        assertThat(driver.poll()).isTrue();
        assertThat(driver.usedHead()).isEqualTo(first);
        assertThat(driver.poll()).isTrue();
    }

    @Test
    void aStoppedQueueTouchesNothingAndCountsWhatComesLate() {
        int id = driver.addReadable(buffer, 16);
        driver.publish();
        rig.pop();
        int base = rig.queue.stop();
        assertThat(base & 0xFFFF).isEqualTo(1 | 1 << 15);
        assertThat(base >>> 16).isEqualTo(1 << 15);
        rig.memory.truncate(0);
        assertThat(rig.pop()).isZero();
        assertThat(rig.queue.hasAvailable()).isFalse();
        assertThat(rig.queue.arm()).isTrue();
        rig.queue.disarm();
        rig.queue.push(id, 0);
        rig.queue.flush();
        assertThat(rig.queue.inFlight()).isZero();
    }

    // --- In order ---

    @Test
    void aBatchThatWasOnlyReadHasOneUsedDescriptor() {
        try (Rig ordered = new Rig(SIZE, IN_ORDER, 0)) {
            PackedDriverQueue driver = ordered.packed();
            long at = ordered.buffer(64);
            for (int round = 0; round < 20; round++) {
                for (int i = 0; i < 5; i++) {
                    driver.addReadable(at, 1 + i);
                }
                int first = (driver.next() + SIZE - 5) % SIZE;
                driver.publish();
                assertThat(ordered.pop()).isEqualTo(5);
                int second = driver.flags((first + 1) % SIZE);
                ordered.queue.push(ordered.batch.head, new int[5], 5);
                ordered.queue.flush();
                assertThat(driver.id(first)).isEqualTo(ordered.batch.head[4]);
                assertThat(driver.flags((first + 1) % SIZE)).isEqualTo(second);
                for (int i = 0; i < 5; i++) {
                    assertThat(driver.poll()).isTrue();
                    assertThat(driver.usedHead()).isEqualTo(ordered.batch.head[i]);
                }
                assertThat(driver.poll()).isFalse();
            }
        }
    }

    @Test
    void buffersThatWereWrittenTellTheirLengths() {
        try (Rig ordered = new Rig(SIZE, IN_ORDER, 5)) {
            long at = ordered.buffer(64);
            ordered.driver.addReadable(at, 8);
            ordered.driver.addWritable(at, 8);
            ordered.driver.addReadable(at, 8);
            ordered.driver.publish();
            assertThat(ordered.pop()).isEqualTo(3);
            ordered.queue.push(ordered.batch.head, new int[] {0, 3, 0}, 3);
            ordered.queue.flush();
            for (int length : new int[] {0, 3, 0}) {
                assertThat(ordered.driver.poll()).isTrue();
                assertThat(ordered.driver.usedLength()).isEqualTo(length);
            }
        }
    }

    // --- Notifications ---

    private void complete(int count) {
        for (int i = 0; i < count; i++) {
            driver.addReadable(buffer, 1);
        }
        driver.publish();
        assertThat(rig.pop()).isEqualTo(count);
        for (int i = 0; i < count; i++) {
            rig.queue.push(rig.batch.head[i], 0);
        }
        rig.queue.flush();
        while (driver.poll()) {
            assertThat(driver.usedLength()).isZero();
        }
    }

    /** Seven descriptors, five of them used before: four more end in the next lap. */
    @ParameterizedTest
    @CsvSource({
        "4, 1, 0",
        "5, 1, 1",
        "6, 1, 1",
        "0, 0, 1",
        "1, 0, 1",
        "2, 0, 0",
        "0, 1, 0",
        "5, 0, 0",
        "32767, 0, 0",
        "32767, 1, 0"
    })
    void driverWaitsForOneDescriptor(int offset, int wrap, int expected) {
        complete(5);
        int before = rig.notifications;
        driver.driverEvent(offset | wrap << 15 | PackedDriverQueue.DESC << 16);
        complete(4);
        assertThat(rig.notifications - before).isEqualTo(expected);
    }

    @Test
    void aWholeLapAtOncePassesEveryDescriptor() {
        complete(3);
        for (int offset = 0; offset < SIZE; offset++) {
            int before = rig.notifications;
            int wrap = (rig.queue.base() >>> 15 & 1) ^ (offset < 3 ? 1 : 0);
            driver.driverEvent(offset | wrap << 15 | PackedDriverQueue.DESC << 16);
            complete(SIZE);
            assertThat(rig.notifications - before).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "1, 0", "3, 1", "65532, 1", "65533, 0"})
    void reservedBitsOfTheDriversWishAreIgnored(int flags, int expected) {
        driver.driverEvent(flags << 16 | 0x1234);
        complete(1);
        assertThat(rig.notifications).isEqualTo(expected);
    }

    @Test
    void deviceAsksForTheNextChainOnly() {
        serve(6, 1);
        assertThat(driver.deviceEvent() >>> 16).isEqualTo(PackedDriverQueue.DISABLE);
        assertThat(rig.queue.arm()).isTrue();
        assertThat(driver.deviceEvent()).isEqualTo(6 | 1 << 15 | PackedDriverQueue.DESC << 16);
        driver.addReadable(buffer, 1);
        driver.addReadable(buffer, 1);
        assertThat(driver.publish()).isTrue();
        driver.addReadable(buffer, 1);
        assertThat(driver.publish()).isFalse();
        assertThat(rig.queue.arm()).isFalse();
        assertThat(driver.deviceEvent() >>> 16).isEqualTo(PackedDriverQueue.DISABLE);
        assertThat(rig.pop()).isEqualTo(3);
        assertThat(rig.queue.arm()).isTrue();
        assertThat(driver.deviceEvent()).isEqualTo(2 | PackedDriverQueue.DESC << 16);
    }

    @Test
    void withoutEventIndicesTheDeviceAsksForAll() {
        long features = Virtqueue.VERSION_1 | Virtqueue.RING_PACKED;
        try (Rig plain = new Rig(SIZE, features, 0)) {
            assertThat(plain.queue.arm()).isTrue();
            assertThat(plain.packed().deviceEvent()).isZero();
            plain.packed().driverEvent(PackedDriverQueue.DESC << 16 | 3);
            plain.driver.addReadable(plain.buffer(1), 1);
            assertThat(plain.driver.publish()).isTrue();
            assertThat(plain.pop()).isEqualTo(1);
            plain.queue.push(plain.batch.head[0], 0);
            plain.queue.flush();
            assertThat(plain.notifications).isEqualTo(1);
        }
    }

    // --- Drivers that break a rule ---

    private void assertBroken(String cause) {
        assertThat(rig.pop()).isZero();
        assertThat(rig.failures).singleElement().asString().contains(cause);
        assertThat(rig.queue.hasAvailable()).isFalse();
        assertThat(rig.queue.arm()).isTrue();
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE, 0x7FFF, 0xFFFF})
    void bufferIdBeyondTheQueue(int id) {
        driver.offer(buffer, 1, id, 0);
        assertBroken("buffer id " + id + ", the queue has 7 entries");
    }

    @Test
    void bufferIdTwiceInFlight() {
        driver.offer(buffer, 1, 2, 0);
        assertThat(rig.pop()).isEqualTo(1);
        driver.offer(buffer, 1, 2, 0);
        assertBroken("buffer id 2 was made available twice");
        rig.queue.push(2, 0);
        rig.queue.flush();
        assertThat(driver.flags(0)).isEqualTo(USED_BITS);
    }

    @ParameterizedTest
    @ValueSource(ints = {PackedDriverQueue.AVAIL, PackedDriverQueue.USED, USED_BITS})
    void descriptorsWithOtherFlagsAreNotAvailable(int wrong) {
        driver.offer(buffer, 1, 0, wrong);
        assertThat(rig.queue.hasAvailable()).isFalse();
        assertThat(rig.pop()).isZero();
        assertThat(rig.queue.popPlain(rig.batch, 8, false)).isZero();
        assertThat(rig.failures).isEmpty();
    }

    @ParameterizedTest
    @ValueSource(ints = {PackedDriverQueue.AVAIL, PackedDriverQueue.USED, USED_BITS})
    void chainThatGoesOnInADescriptorThatIsNotAvailable(int wrong) {
        int position = driver.next();
        driver.skip();
        driver.offer(buffer, 1, 0, wrong);
        driver.descriptor(position, buffer, 1, 0, PackedDriverQueue.AVAIL | DriverQueue.NEXT);
        assertBroken("a chain goes on at 1, which is not available");
    }

    @Test
    void chainThatNeverEnds() {
        for (int i = SIZE - 1; i >= 0; i--) {
            driver.descriptor(i, buffer, 1, 0, PackedDriverQueue.AVAIL | DriverQueue.NEXT);
        }
        assertBroken("loops or is too long");
    }

    @Test
    void chainThatReachesIntoWhatIsInFlight() {
        for (int i = 0; i < 5; i++) {
            driver.addReadable(buffer, 1);
        }
        driver.publish();
        assertThat(rig.pop()).isEqualTo(5);
        driver.descriptor(0, buffer, 1, 6, PackedDriverQueue.USED);
        driver.offer(buffer, 1, 6, DriverQueue.NEXT);
        driver.offer(buffer, 1, 6, DriverQueue.NEXT);
        assertBroken("loops or is too long");
    }

    @Test
    void indirectDescriptorInAChain() {
        long table = rig.buffer(64);
        driver.entry(table, 0, buffer, 1, 0, 0);
        driver.descriptor(1, table, 16, 0, PackedDriverQueue.AVAIL | DriverQueue.INDIRECT);
        driver.descriptor(0, buffer, 1, 0, PackedDriverQueue.AVAIL | DriverQueue.NEXT);
        assertBroken("an indirect descriptor in a chain of others");
    }

    @Test
    void indirectDescriptorWithANext() {
        driver.offer(buffer, 16, 0, DriverQueue.INDIRECT | DriverQueue.NEXT);
        assertBroken("an indirect descriptor with a next one");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, 17, -1, 16 * (1024 + 1), -16})
    void indirectTableOfAnImpossibleLength(int length) {
        driver.offer(buffer, length, 0, DriverQueue.INDIRECT);
        assertBroken("an indirect table of " + Integer.toUnsignedString(length) + " bytes");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, Long.MIN_VALUE, -16, -1})
    void placesOutsideTheMemory(long address) {
        driver.offer(address, 16, 0, DriverQueue.INDIRECT);
        assertBroken("an indirect table at 0x" + Long.toHexString(address));
    }

    @Test
    void bufferOutsideTheMemory() {
        driver.offer(DriverMemory.GUEST_BASE + Rig.MEMORY - 1, 2, 0, 0);
        assertBroken("is not in the guest's memory");
    }

    @Test
    void readableAfterWritable() {
        driver.descriptor(1, buffer, 1, 0, PackedDriverQueue.AVAIL);
        driver.descriptor(
                0, buffer, 1, 0, PackedDriverQueue.AVAIL | DriverQueue.NEXT | DriverQueue.WRITE);
        assertBroken("a device-readable descriptor follows a device-writable one");
    }

    @Test
    void indirectWithoutNegotiation() {
        long features = Virtqueue.VERSION_1 | Virtqueue.RING_PACKED;
        try (Rig plain = new Rig(SIZE, features, 0)) {
            plain.packed().offer(plain.buffer(16), 16, 0, DriverQueue.INDIRECT);
            assertThat(plain.pop()).isZero();
            assertThat(plain.failures).singleElement().asString().contains("not negotiated");
        }
    }

    @Test
    void buffersInTheRingItself() {
        driver.addWritable(driver.descriptors(), 16 * SIZE);
        driver.addWritable(driver.used(), 4);
        driver.publish();
        assertThat(rig.pop()).isEqualTo(2);
        ForeignMemory.fill(rig.batch.rangeAddress[0], 16 * SIZE, (byte) 0xFF);
        rig.queue.push(rig.batch.head[1], 4);
        rig.queue.push(rig.batch.head[0], 16 * SIZE);
        rig.queue.flush();
        assertThat(driver.flags(0) & USED_BITS).isEqualTo(USED_BITS);
        assertThat(rig.queue.inFlight()).isZero();
    }
}
