package io.vireo.virtqueue;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** VIRTIO 1.3, 2.7.7 and 2.7.10: who is told when. */
class NotificationTest {
    private static final long FLAGS = Virtqueue.VERSION_1;

    private static void complete(Rig rig, int count) {
        long buffer = rig.buffer(16);
        for (int i = 0; i < count; i++) {
            rig.driver.addReadable(buffer, 1);
        }
        rig.driver.publish();
        assertThat(rig.pop()).isEqualTo(count);
        for (int i = 0; i < count; i++) {
            rig.queue.push(rig.batch.head[i], 0);
        }
        rig.queue.flush();
        while (rig.driver.poll()) {
            assertThat(rig.driver.usedLength()).isZero();
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {FLAGS, Rig.ALL, FLAGS | Virtqueue.RING_PACKED, Rig.PACKED})
    void oneNotificationPerFlushIfTheDriverAsked(long features) {
        try (Rig rig = new Rig(64, features, 0)) {
            assertThat(rig.driver.arm()).isTrue();
            complete(rig, 32);
            assertThat(rig.notifications).isEqualTo(1);
            rig.queue.flush();
            assertThat(rig.notifications).isEqualTo(1);
            rig.driver.disarm();
            complete(rig, 32);
            assertThat(rig.notifications).isEqualTo(1);
            rig.driver.arm();
            complete(rig, 1);
            assertThat(rig.notifications).isEqualTo(2);
        }
    }

    @Test
    void usedEventInTheMiddleAndAtTheEndsOfABatch() {
        try (Rig rig = new Rig(64, Rig.ALL, 65530)) {
            int[] events = {65529, 65530, 65535, 0, 3, 4, 40000, 32767};
            int[] expected = {0, 1, 1, 1, 1, 0, 0, 0};
            for (int i = 0; i < events.length; i++) {
                try (Rig fresh = new Rig(64, Rig.ALL, 65530)) {
                    fresh.split().usedEvent(events[i]);
                    complete(fresh, 10);
                    assertThat(fresh.notifications)
                            .as("used_event %s", events[i])
                            .isEqualTo(expected[i]);
                }
            }
            assertThat(rig.notifications).isZero();
        }
    }

    @Test
    void aDriverThatNeverRearmsIsToldOnceEvery65536() {
        try (Rig rig = new Rig(256)) {
            rig.split().usedEvent(12345);
            for (int i = 0; i < 3 * 65536 / 64; i++) {
                complete(rig, 64);
                if (i % 512 == 511) {
                    assertThat(rig.notifications).isEqualTo((i + 1 + 512) / 1024);
                }
            }
            assertThat(rig.notifications).isEqualTo(3);
        }
    }

    @Test
    void withFlagsTheDeviceAsksBetweenArmAndDisarm() {
        try (Rig rig = new Rig(8, FLAGS, 0)) {
            long buffer = rig.buffer(16);
            assertThat(rig.split().usedFlags()).isEqualTo(1);
            assertThat(rig.queue.arm()).isTrue();
            assertThat(rig.split().usedFlags()).isZero();
            rig.driver.addReadable(buffer, 1);
            assertThat(rig.driver.publish()).isTrue();
            rig.queue.disarm();
            assertThat(rig.split().usedFlags()).isEqualTo(1);
            rig.driver.addReadable(buffer, 1);
            assertThat(rig.driver.publish()).isFalse();
        }
    }

    @Test
    void withEventIndexTheDeviceIsToldOfTheNextChainOnly() {
        try (Rig rig = new Rig(8, Rig.ALL, 65535)) {
            long buffer = rig.buffer(16);
            assertThat(rig.queue.arm()).isTrue();
            assertThat(rig.split().usedFlags()).isZero();
            assertThat(rig.split().availEvent()).isEqualTo(65535);
            rig.driver.addReadable(buffer, 1);
            rig.driver.addReadable(buffer, 1);
            assertThat(rig.driver.publish()).isTrue();
            rig.driver.addReadable(buffer, 1);
            assertThat(rig.driver.publish()).isFalse();
            rig.queue.disarm();
            assertThat(rig.pop()).isEqualTo(3);
            assertThat(rig.queue.arm()).isTrue();
            assertThat(rig.split().availEvent()).isEqualTo(2);
        }
    }

    @ParameterizedTest
    @ValueSource(longs = {FLAGS, Rig.ALL})
    void armRefusesWhereChainsAreAvailable(long features) {
        try (Rig rig = new Rig(8, features, 0)) {
            rig.driver.addReadable(rig.buffer(16), 1);
            rig.driver.publish();
            assertThat(rig.queue.arm()).isFalse();
            assertThat(rig.split().usedFlags()).isEqualTo(features == FLAGS ? 1 : 0);
            assertThat(rig.pop()).isEqualTo(1);
            assertThat(rig.queue.arm()).isTrue();
        }
    }

    @Test
    void kickWakesWhoeverServesTheQueue() {
        try (Rig rig = new Rig(8)) {
            int[] kicks = {0};
            rig.queue.kick();
            rig.queue.onKick(() -> kicks[0]++);
            rig.queue.kick();
            assertThat(kicks[0]).isEqualTo(1);
        }
    }
}
