package io.vireo.fabric.storage.move;

/** When the next piece may be copied, at a rate. One reactor's. */
final class Pace {
    /** What was not used for longer than this is not made up for. */
    private static final long BURST_NANOS = 100_000_000;

    private long rate;

    /** When all that was taken is paid for. */
    private long paidAt;

    /**
     * @param bytesPerSecond 0: no bound
     */
    void rate(long bytesPerSecond, long now) {
        rate = bytesPerSecond;
        paidAt = Math.min(paidAt, now + BURST_NANOS);
    }

    void restart(long now) {
        paidAt = now;
    }

    /** Nanoseconds until the next piece may be copied; 0: now. */
    long waitNanos(long now) {
        return rate == 0 ? 0 : Math.max(0, paidAt - now);
    }

    /** So many bytes were copied. */
    void took(long bytes, long now) {
        if (rate != 0) {
            paidAt = Math.max(paidAt, now - BURST_NANOS) + (long) (bytes * 1e9 / rate);
        }
    }
}
