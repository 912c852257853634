package io.vireo.reactor;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ByteRingTest {
    private final ByteRing ring = new ByteRing(256);

    private boolean write(int length, int value) {
        int at = ring.claim(length);
        if (at != ByteRing.NONE) {
            Arrays.fill(ring.array(), at, at + length, (byte) value);
        }
        return at != ByteRing.NONE;
    }

    private void expect(ByteRing from, int length, int value) {
        int at = from.next();
        assertThat(at).isNotEqualTo(ByteRing.NONE);
        assertThat(from.length(at)).isEqualTo(length);
        for (int i = 0; i < length; i++) {
            if (from.array()[at + i] != (byte) value) {
                assertThat(from.array()[at + i]).isEqualTo((byte) value);
            }
        }
        from.release();
    }

    @Test
    void whatIsPublishedIsReadInOrder() {
        assertThat(write(10, 1)).isTrue();
        assertThat(ring.next()).isEqualTo(ByteRing.NONE);
        assertThat(write(0, 2)).isTrue();
        ring.publish();
        expect(ring, 10, 1);
        expect(ring, 0, 2);
        assertThat(ring.next()).isEqualTo(ByteRing.NONE);
    }

    @Test
    void whatWasNotPublishedCanBeTakenBack() {
        write(10, 1);
        ring.rollback();
        write(20, 2);
        ring.publish();
        expect(ring, 20, 2);
        assertThat(ring.next()).isEqualTo(ByteRing.NONE);
    }

    @Test
    void aFullRingRefusesAndGoesOn() {
        int taken = 0;
        while (write(28, taken)) {
            taken++;
        }
        assertThat(taken).isEqualTo(256 / 32);
        ring.publish();
        expect(ring, 28, 0);
        assertThat(write(29, 99)).as("more than there is room").isFalse();
        assertThat(write(28, taken)).isTrue();
        ring.publish();
        for (int i = 1; i <= taken; i++) {
            expect(ring, 28, i);
        }
        assertThat(write(252, 7)).as("from the start to the end").isFalse();
    }

    @Test
    void recordsNeverGoRoundTheEnd() {
        long seed = Long.getLong("vireo.seed", System.nanoTime());
        System.out.println("seed " + seed + " (replay with -Dvireo.seed)");
        var random = new Random(seed);
        for (int i = 0; i < 10_000; i++) {
            int length = random.nextInt(120);
            assertThat(write(length, i)).isTrue();
            ring.publish();
            expect(ring, length, i);
        }
    }

    @Test
    void twoThreadsHandOverEverything() throws InterruptedException {
        int count = 200_000;
        var writer =
                Thread.ofPlatform()
                        .start(() -> {
                            for (int i = 0; i < count; i++) {
                                while (!write(i % 100, i)) {
                                    ring.publish();
                                    Thread.yield();
                                }
                                if (i % 3 == 0 || i == count - 1) {
                                    ring.publish();
                                }
                            }
                        });
        for (int i = 0; i < count; i++) {
            while (ring.next() == ByteRing.NONE) {
                Thread.yield();
            }
            expect(ring, i % 100, i);
        }
        writer.join();
    }
}
