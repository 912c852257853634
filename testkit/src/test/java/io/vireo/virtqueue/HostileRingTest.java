package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.testkit.DriverMemory;
import io.vireo.testkit.DriverQueue;
import io.vireo.testkit.SplitDriverQueue;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Drivers that break a rule of VIRTIO 1.3, 2.7: the queue breaks, once, with the cause. */
class HostileRingTest {
    private static final int SIZE = 8;

    /** Descriptors that a table may have. */
    private static final int LONGEST = 1024;

    private final Rig rig = new Rig(SIZE);
    private final SplitDriverQueue driver = rig.split();
    private final long buffer = rig.buffer(4096);

    @AfterEach
    void close() {
        rig.close();
    }

    private void assertBroken(String cause) {
        assertThat(rig.pop()).isZero();
        assertStaysBroken(cause);
    }

    private void assertStaysBroken(String cause) {
        assertThat(rig.failures).singleElement().asString().contains(cause);
        assertThat(rig.queue.broken()).isTrue();
        assertThat(rig.queue.hasAvailable()).isFalse();
        assertThat(rig.queue.arm()).isTrue();
        assertThat(rig.pop()).isZero();
        rig.queue.fail("again");
        assertThat(rig.failures).hasSize(1);
    }

    @Test
    void availableIndexJumpsByMoreThanTheQueueHasEntries() {
        driver.availableIndex(SIZE + 1);
        assertBroken("available index went from 0 to 9");
    }

    @Test
    void availableIndexGoesBackwardsBelowWhatWasTaken() {
        driver.availableIndex(0xFFFF);
        assertBroken("available index went from 0 to 65535");
    }

    @Test
    void availableIndexGoesBackwardsAmongWhatIsAvailable() {
        for (int i = 0; i < 4; i++) {
            driver.addReadable(buffer, 1);
        }
        driver.publish();
        assertThat(rig.queue.pop(rig.batch, 1)).isEqualTo(1);
        driver.availableIndex(2);
        assertThat(rig.queue.pop(rig.batch, 64)).isZero();
        assertStaysBroken("available index went from 4 to 2");
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE, SIZE + 1, 0x7FFF, 0xFFFF})
    void availableRingNamesADescriptorBeyondTheTable(int head) {
        driver.offer(head);
        assertBroken("descriptor " + head + " does not exist");
    }

    @Test
    void sameHeadTwiceInOneBatch() {
        int head = driver.addReadable(buffer, 1);
        driver.publish();
        driver.offer(head);
        assertThat(rig.pop()).isEqualTo(1);
        assertStaysBroken("descriptor 0 was made available twice");
    }

    @Test
    void sameHeadAgainWhileInFlight() {
        int head = driver.addReadable(buffer, 1);
        driver.publish();
        assertThat(rig.pop()).isEqualTo(1);
        driver.offer(head);
        assertBroken("descriptor 0 was made available twice");
        // What is in flight completes all the same.
        rig.queue.push(head, 0);
        rig.queue.flush();
        assertThat(driver.usedIndex()).isEqualTo(1);
    }

    @ParameterizedTest
    @ValueSource(ints = {SIZE, 0x8000, 0xFFFF})
    void nextBeyondTheTable(int next) {
        driver.descriptor(0, buffer, 1, DriverQueue.NEXT, next);
        driver.offer(0);
        assertBroken("next descriptor " + next + " of a table of 8");
    }

    @Test
    void chainLoopsToItself() {
        driver.descriptor(0, buffer, 1, DriverQueue.NEXT, 0);
        driver.offer(0);
        assertBroken("loops or is too long");
    }

    @Test
    void chainLoopsOverTwo() {
        driver.descriptor(0, buffer, 1, DriverQueue.NEXT, 1);
        driver.descriptor(1, buffer, 1, DriverQueue.NEXT, 0);
        driver.offer(0);
        assertBroken("loops or is too long");
    }

    @Test
    void chainOfEmptyDescriptorsLoops() {
        driver.descriptor(0, buffer, 0, DriverQueue.NEXT, 0);
        driver.offer(0);
        assertBroken("loops or is too long");
    }

    @Test
    void chainLoopsWithoutItsHead() {
        driver.descriptor(0, buffer, 1, DriverQueue.NEXT, 1);
        driver.descriptor(1, buffer, 1, DriverQueue.NEXT, 1);
        driver.offer(0);
        assertBroken("loops or is too long");
    }

    @Test
    void indirectTableLoops() {
        long table = rig.buffer(64);
        driver.entry(table, 0, buffer, 1, DriverQueue.NEXT, 0);
        driver.descriptor(0, table, 16, DriverQueue.INDIRECT, 0);
        driver.offer(0);
        assertBroken("loops or is too long");
    }

    @Test
    void directAndIndirectTogetherLongerThanAnyTable() {
        long table = rig.buffer(16 * LONGEST);
        for (int i = 0; i < LONGEST; i++) {
            int flags = i < LONGEST - 1 ? DriverQueue.NEXT : 0;
            driver.entry(table, i, buffer, 1, flags, i + 1);
        }
        driver.descriptor(0, buffer, 1, DriverQueue.NEXT, 1);
        driver.descriptor(1, table, 16 * LONGEST, DriverQueue.INDIRECT, 0);
        driver.offer(0);
        assertBroken("loops or is too long");
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 15, 17, 31, -1})
    void indirectTableOfAnOddLength(int length) {
        driver.descriptor(0, buffer, length, DriverQueue.INDIRECT, 0);
        driver.offer(0);
        assertBroken("an indirect table of " + Integer.toUnsignedString(length) + " bytes");
    }

    @ParameterizedTest
    @ValueSource(ints = {16 * (LONGEST + 1), 16 * 32768, 16 * 65536, -16})
    void indirectTableTooLong(int length) {
        driver.descriptor(0, buffer, length, DriverQueue.INDIRECT, 0);
        driver.offer(0);
        assertBroken("bytes, which is too long");
    }

    @Test
    void indirectTableInAnIndirectTable() {
        long table = rig.buffer(64);
        driver.entry(table, 0, table, 16, DriverQueue.INDIRECT, 0);
        driver.descriptor(0, table, 16, DriverQueue.INDIRECT, 0);
        driver.offer(0);
        assertBroken("an indirect descriptor in an indirect table");
    }

    @Test
    void indirectTableIsTheDescriptorTableItself() {
        driver.descriptor(0, driver.descriptors(), 16, DriverQueue.INDIRECT, 0);
        driver.offer(0);
        assertBroken("an indirect descriptor in an indirect table");
    }

    @Test
    void indirectDescriptorWithANext() {
        driver.descriptor(0, buffer, 16, DriverQueue.INDIRECT | DriverQueue.NEXT, 1);
        driver.offer(0);
        assertBroken("an indirect descriptor with a next one");
    }

    @Test
    void nextOutsideTheIndirectTable() {
        long table = rig.buffer(64);
        driver.entry(table, 0, buffer, 1, DriverQueue.NEXT, 2);
        driver.descriptor(0, table, 32, DriverQueue.INDIRECT, 0);
        driver.offer(0);
        assertBroken("next descriptor 2 of a table of 2");
    }

    @ParameterizedTest
    @ValueSource(longs = {0, 0x3FFF_FFF8L, Long.MIN_VALUE, -16, -1})
    void indirectTableOutsideTheMemory(long address) {
        driver.descriptor(0, address, 16, DriverQueue.INDIRECT, 0);
        driver.offer(0);
        assertBroken("an indirect table at 0x" + Long.toHexString(address));
    }

    @Test
    void indirectTableCrossesTheEndOfTheMemory() {
        long end = DriverMemory.GUEST_BASE + Rig.MEMORY;
        driver.descriptor(0, end - 16, 32, DriverQueue.INDIRECT, 0);
        driver.offer(0);
        assertBroken("is not in the guest's memory");
    }

    @Test
    void indirectWithoutNegotiation() {
        try (Rig plain = new Rig(SIZE, Virtqueue.VERSION_1, 0)) {
            plain.split().descriptor(0, plain.buffer(16), 16, DriverQueue.INDIRECT, 0);
            plain.split().offer(0);
            assertThat(plain.pop()).isZero();
            assertThat(plain.failures).singleElement().asString().contains("not negotiated");
        }
    }

    @ParameterizedTest
    @ValueSource(
            longs = {
                0,
                DriverMemory.GUEST_BASE - 1,
                DriverMemory.GUEST_BASE + Rig.MEMORY,
                Long.MAX_VALUE,
                Long.MIN_VALUE,
                -1
            })
    void bufferOutsideTheMemory(long address) {
        driver.descriptor(0, address, 1, 0, 0);
        driver.offer(0);
        assertBroken("a descriptor at 0x" + Long.toHexString(address));
    }

    @ParameterizedTest
    @ValueSource(ints = {2, 4096, Integer.MAX_VALUE, Integer.MIN_VALUE, -1})
    void bufferCrossesTheEndOfTheMemory(int length) {
        // First one that is inside, so that the region is remembered.
        driver.descriptor(0, buffer, 1, DriverQueue.NEXT, 1);
        driver.descriptor(1, DriverMemory.GUEST_BASE + Rig.MEMORY - 1, length, 0, 0);
        driver.offer(0);
        assertBroken("of " + Integer.toUnsignedLong(length) + " bytes is not in the guest's");
    }

    @Test
    void addressPlusLengthOverflows() {
        driver.descriptor(0, -2, 4, 0, 0);
        driver.offer(0);
        assertBroken("is not in the guest's memory");
    }

    @Test
    void lengthsOfAChainOverflow() {
        // Not in the memory either, but the loop ends before: 3 * (2^32 - 1) bytes.
        try (Rig big = new Rig(new DriverMemory(6L << 30), SIZE, Rig.ALL, 0)) {
            for (int i = 0; i < 3; i++) {
                int flags = i < 2 ? DriverQueue.NEXT : 0;
                big.split().descriptor(i, DriverMemory.GUEST_BASE, -1, flags, i + 1);
            }
            big.split().offer(0);
            assertThat(big.pop()).isZero();
            assertThat(big.failures).singleElement().asString().contains("more than 2^32 bytes");
        }
    }

    @Test
    void readableAfterWritable() {
        driver.descriptor(0, buffer, 1, DriverQueue.NEXT | DriverQueue.WRITE, 1);
        driver.descriptor(1, buffer, 1, 0, 0);
        driver.offer(0);
        assertBroken("a device-readable descriptor follows a device-writable one");
    }

    @Test
    void chainsBeforeAMalformedOneAreReturned() {
        driver.addReadable(buffer, 1);
        driver.addReadable(buffer, 2);
        driver.publish();
        driver.offer(99);
        assertThat(rig.pop()).isEqualTo(2);
        assertThat(rig.batch.count).isEqualTo(2);
        assertThat(rig.queue.inFlight()).isEqualTo(2);
        assertStaysBroken("descriptor 99 does not exist");
    }

    @Test
    void buffersInTheRingsThemselvesAreJustMemory() {
        driver.addReadable(driver.descriptors(), 16 * SIZE);
        driver.addWritable(driver.used(), 4 + 8 * SIZE);
        driver.addWritable(driver.available(), 4);
        driver.publish();
        assertThat(rig.pop()).isEqualTo(3);
        Writer writer = new Writer();
        writer.reset(rig.batch, 1).fill(4 + 8 * SIZE, (byte) 0xFF);
        for (int i = 0; i < 3; i++) {
            rig.queue.push(rig.batch.head[i], 0);
        }
        rig.queue.flush();
        assertThat(driver.usedIndex()).isEqualTo(3);
        writer.reset(rig.batch, 2).fill(4, (byte) 0x77);
        assertBroken("available index");
    }

    @Test
    void aBrokenQueueIsSaidToBeBrokenByTheDeviceOnce() {
        rig.queue.fail("request without header");
        assertBroken("request without header");
    }

    @Test
    void onlyWhatIsInFlightCanBePushed() {
        int head = driver.addReadable(buffer, 1);
        driver.publish();
        for (int wrong : new int[] {head, -1, SIZE, 1}) {
            assertThatThrownBy(() -> rig.queue.push(wrong, 0))
                    .isInstanceOf(IllegalArgumentException.class);
        }
        rig.pop();
        rig.queue.push(head, 0);
        assertThatThrownBy(() -> rig.queue.push(head, 0))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
