package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.vireo.testkit.DriverQueue;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/** The fast way for chains of one descriptor gives what the other way gives, or nothing. */
@ParameterizedClass
@ValueSource(longs = {Rig.ALL, Rig.PACKED})
class PlainChainsTest {
    private static final int SIZE = 16;

    private final long features;

    PlainChainsTest(long features) {
        this.features = features;
    }

    @Test
    void takesWhatPopTakes() {
        try (Rig rig = new Rig(SIZE, features, 65530)) {
            long buffer = rig.buffer(64);
            // Without a region of a descriptor before it the fast way leaves all to the other.
            complete(rig, rig.driver.addReadable(buffer, 1));
            for (int round = 0; round < 20; round++) {
                int first = rig.driver.addReadable(buffer, 10);
                int second = rig.driver.addReadable(buffer + 10, 20);
                rig.driver.publish();
                assertThat(rig.queue.popPlain(rig.batch, 8, false)).isEqualTo(2);
                assertThat(rig.batch.head).startsWith(first, second);
                assertThat(rig.batch.rangeLength).startsWith(10, 20);
                assertThat(rig.batch.rangeAddress[1]).isEqualTo(rig.batch.rangeAddress[0] + 10);
                assertThat(rig.queue.inFlight()).isEqualTo(2);
                rig.queue.push(rig.batch.head, new int[] {3, 4}, 2);
                assertThat(rig.queue.inFlight()).isZero();
                rig.queue.flush();
                expectUsed(rig, first, 3);
                expectUsed(rig, second, 4);
                assertThat(rig.driver.poll()).isFalse();
            }
            assertThat(rig.failures).isEmpty();
        }
    }

    @Test
    void stopsBeforeTheFirstOtherChain() {
        try (Rig rig = new Rig(SIZE, features, 0)) {
            long buffer = rig.buffer(64);
            complete(rig, rig.driver.addReadable(buffer, 1));
            rig.driver.addReadable(buffer, 10);
            rig.driver.addWritable(buffer, 10);
            rig.driver.publish();
            assertThat(rig.queue.popPlain(rig.batch, 8, true)).isZero();
            assertThat(rig.queue.popPlain(rig.batch, 8, false)).isEqualTo(1);
            assertThat(rig.queue.popPlain(rig.batch, 8, false)).isZero();
            assertThat(rig.queue.popPlain(rig.batch, 8, true)).isEqualTo(1);
            rig.driver.add(new long[] {buffer, buffer}, new int[] {1, 1}, 2, 2);
            rig.driver.publish();
            assertThat(rig.queue.popPlain(rig.batch, 8, false)).isZero();
            assertThat(rig.pop()).isEqualTo(1);
            assertThat(rig.failures).isEmpty();
        }
    }

    @Test
    void leavesWhatBreaksARuleToPop() {
        try (Rig rig = new Rig(SIZE, features, 0)) {
            long buffer = rig.buffer(64);
            complete(rig, rig.driver.addReadable(buffer, 1));
            rig.offer(3, buffer, 0);
            assertThat(rig.queue.popPlain(rig.batch, 8, false)).isZero();
            assertThat(rig.pop()).isEqualTo(1);
            rig.offer(4, Long.MAX_VALUE - 4, 8);
            assertThat(rig.queue.popPlain(rig.batch, 8, false)).isZero();
            assertThat(rig.failures).isEmpty();
            assertThat(rig.pop()).isZero();
            assertThat(rig.failures).hasSize(1);
            assertThat(rig.queue.popPlain(rig.batch, 8, false)).isZero();
        }
    }

    @Test
    void aHeadThatIsAvailableTwiceIsTakenOnce() {
        try (Rig rig = new Rig(SIZE, features, 0)) {
            long buffer = rig.buffer(64);
            complete(rig, rig.driver.addReadable(buffer, 1));
            rig.offer(5, buffer, 8);
            rig.offer(5, buffer, 8);
            rig.offer(SIZE, buffer, 8);
            assertThat(rig.queue.popPlain(rig.batch, 8, false)).isEqualTo(1);
            assertThat(rig.queue.popPlain(rig.batch, 8, false)).isZero();
            assertThat(rig.pop()).isZero();
            assertThat(rig.failures).hasSize(1);
        }
    }

    @Test
    void mayBeGivenBack() {
        try (Rig rig = new Rig(SIZE, features, 0)) {
            long buffer = rig.buffer(64);
            complete(rig, rig.driver.addWritable(buffer, 1));
            rig.driver.addWritable(buffer, 8);
            int second = rig.driver.addWritable(buffer + 8, 8);
            rig.driver.publish();
            assertThat(rig.queue.popPlain(rig.batch, 8, true)).isEqualTo(2);
            rig.queue.rewind(1);
            assertThat(rig.queue.popPlain(rig.batch, 8, true)).isEqualTo(1);
            assertThat(rig.batch.head[0]).isEqualTo(second);
        }
    }

    @Test
    void completionOfWhatIsNotInFlightIsRefused() {
        try (Rig rig = new Rig(SIZE, features, 0)) {
            int head = rig.driver.addReadable(rig.buffer(64), 1);
            rig.driver.publish();
            assertThat(rig.pop()).isEqualTo(1);
            assertThatThrownBy(() -> rig.queue.push(new int[] {head, head}, new int[2], 2))
                    .isInstanceOf(IllegalArgumentException.class);
            rig.queue.flush();
            expectUsed(rig, head, 0);
            assertThat(rig.driver.poll()).isFalse();
        }
    }

    private static void complete(Rig rig, int head) {
        rig.driver.publish();
        assertThat(rig.pop()).isEqualTo(1);
        rig.queue.push(head, 0);
        rig.queue.flush();
        expectUsed(rig, head, 0);
    }

    private static void expectUsed(Rig rig, int head, int length) {
        DriverQueue driver = rig.driver;
        assertThat(driver.poll()).isTrue();
        assertThat(driver.usedHead()).isEqualTo(head);
        assertThat(driver.usedLength()).isEqualTo(length);
    }
}
