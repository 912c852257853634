package io.vireo.fabric.l2.qos;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import org.junit.jupiter.api.Test;

class TokenBucketTest {
    @Test
    void comesAtItsRateAndStopsAtItsBurst() {
        var bucket = new TokenBucket(8_000, 1000, 5);
        assertThat(bucket.has(1000)).isTrue();
        assertThat(bucket.has(1001)).isFalse();
        bucket.take(1000);
        assertThat(bucket.inCredit()).isFalse();
        // 8 kbit/s is a byte each millisecond.
        bucket.refill(5 + 999_999);
        assertThat(bucket.has(1)).isFalse();
        bucket.refill(5 + 1_000_000);
        assertThat(bucket.has(1)).isTrue();
        assertThat(bucket.has(2)).isFalse();
        bucket.refill(5 + 10_000_000_000L);
        assertThat(bucket.credit()).isEqualTo(1000);
        assertThat(bucket.halfFull()).isTrue();
    }

    @Test
    void debtIsPaidFirst() {
        var bucket = new TokenBucket(8_000, 1000, 0);
        bucket.take(3000);
        assertThat(bucket.credit()).isZero();
        assertThat(bucket.nanosToCredit()).isEqualTo(2_000_000_001L);
        bucket.refill(2_000_000_000L);
        assertThat(bucket.inCredit()).isFalse();
        bucket.refill(2_000_000_001L);
        assertThat(bucket.inCredit()).isTrue();
        bucket.refill(2_010_000_000L);
        bucket.takeWhatIsThere(100);
        assertThat(bucket.nanosToCredit()).isEqualTo(1);
    }

    /** Whatever the steps of time, the sum is that of the whole time, to the bit. */
    @Test
    void neverDrifts() {
        long seed = 20_261_122;
        var random = new Random(seed);
        for (long rate : new long[] {1, 7, 9_999_999, 10_000_000_019L, 999_999_999_989L}) {
            var bucket = new TokenBucket(rate, TokenBucket.BURST_MAX, 0);
            // Deep in debt, so that nothing is cut off at the burst.
            bucket.take(2 * TokenBucket.BURST_MAX);
            long debt = TokenBucket.BURST_MAX * 8_000_000_000L;
            long now = 0;
            long end = Math.min(10_000_000_000L, debt / rate - 1);
            while (now < end) {
                now = Math.min(end, now + 1 + random.nextLong(end / 100_000 + 1));
                bucket.refill(now);
            }
            assertThat(bucket.nanosToCredit())
                    .as("seed %d, rate %d", seed, rate)
                    .isEqualTo((debt - end * rate) / rate + 1);
        }
    }

    @Test
    void extremesDoNotOverflow() {
        var bucket = new TokenBucket(1_000_000_000_000L, TokenBucket.BURST_MAX, Long.MIN_VALUE / 2);
        bucket.take(Integer.MAX_VALUE);
        bucket.take(Integer.MAX_VALUE);
        bucket.refill(Long.MAX_VALUE / 2);
        assertThat(bucket.credit()).isEqualTo(TokenBucket.BURST_MAX);
        // The clock does not go back; if it did, nothing would happen.
        bucket.refill(0);
        assertThat(bucket.credit()).isEqualTo(TokenBucket.BURST_MAX);
        bucket.change(1, 10, Long.MAX_VALUE / 2);
        assertThat(bucket.credit()).isEqualTo(10);
    }
}
