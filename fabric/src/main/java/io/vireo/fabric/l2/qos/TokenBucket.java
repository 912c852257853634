package io.vireo.fabric.l2.qos;

/**
 * Tokens for bytes that come at a rate, up to a burst. Counted in units of 10^-9 bit, of which a
 * rate in bit/s brings exactly itself each nanosecond: nothing is ever rounded, and nothing drifts.
 *
 * <p>Tokens may be taken on credit ({@link #take}); the debt is paid off before there are tokens
 * again.
 */
public final class TokenBucket {
    /** The largest burst in bytes. */
    public static final long BURST_MAX = 256L << 20;

    private static final long UNITS_PER_BYTE = 8_000_000_000L;

    /** The most that is taken at once, and owed, in bytes: far beyond what a pass carries. */
    private static final long DEBT_MAX = 512L << 20;

    private long rate;
    private long capacity;
    private long tokens;
    private long last;

    /**
     * A full bucket.
     *
     * @param rate in bit/s, 1 to 10^12
     * @param burst in bytes, 1 to {@link #BURST_MAX}
     * @param now in nanoseconds
     */
    public TokenBucket(long rate, long burst, long now) {
        this.rate = rate;
        this.capacity = burst * UNITS_PER_BYTE;
        this.tokens = capacity;
        this.last = now;
    }

    /** Changes rate and burst from now on; tokens and debt stay, as far as the burst allows. */
    public void change(long newRate, long newBurst, long now) {
        refill(now);
        rate = newRate;
        capacity = newBurst * UNITS_PER_BYTE;
        tokens = Math.min(tokens, capacity);
    }

    /** Adds what the time since the last refill has brought. */
    public void refill(long now) {
        long elapsed = now - last;
        if (elapsed <= 0) {
            return;
        }
        last = now;
        long missing = capacity - tokens;
        tokens = elapsed > missing / rate ? capacity : tokens + elapsed * rate;
    }

    /** Whether there are tokens for so many bytes. */
    public boolean has(long bytes) {
        return bytes <= BURST_MAX && tokens >= bytes * UNITS_PER_BYTE;
    }

    /** Whether there is anything, and no debt. */
    public boolean inCredit() {
        return tokens > 0;
    }

    /** Whether at least half of the burst is there. */
    public boolean halfFull() {
        return tokens >= capacity >> 1;
    }

    /** Takes tokens, on credit if need be. */
    public void take(long bytes) {
        long taken = Math.min(bytes, DEBT_MAX) * UNITS_PER_BYTE;
        tokens = Math.max(tokens - taken, -DEBT_MAX * UNITS_PER_BYTE);
    }

    /** Takes what there is of so many tokens; makes no debt. */
    public void takeWhatIsThere(long bytes) {
        if (tokens > 0) {
            tokens = Math.max(tokens - Math.min(bytes, BURST_MAX) * UNITS_PER_BYTE, 0);
        }
    }

    /** Bytes that there are tokens for; 0 in debt. */
    public long credit() {
        return tokens <= 0 ? 0 : tokens / UNITS_PER_BYTE;
    }

    /** Nanoseconds after the last refill until there is credit; 0 if there is. */
    public long nanosToCredit() {
        return tokens > 0 ? 0 : -tokens / rate + 1;
    }
}
