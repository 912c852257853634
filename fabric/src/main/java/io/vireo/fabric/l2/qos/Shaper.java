package io.vireo.fabric.l2.qos;

import io.vireo.net.FrameBatch;
import io.vireo.net.QosSettings.Rates;

/**
 * Keeps a port to its peak rate by saying when the next frames may be taken from it: they wait
 * where they are, in the server's own ring, and none is dropped or copied. How long frames are is
 * known only when they were taken, so that they are taken on credit: after a batch that was too
 * much the port stands still until that is paid, and the rate is exact over any longer time.
 */
public final class Shaper {
    private final TokenBucket committed;
    private final TokenBucket peak;

    /** Bytes of a frame, as the last batch had them. */
    private long frameBytes = FrameBatch.LENGTH_MAX;

    public Shaper(Rates rates, long now) {
        committed = new TokenBucket(rates.committed(), rates.burst(), now);
        peak = new TokenBucket(rates.peak(), rates.burst(), now);
    }

    /** Changes the rates; what was used of them stays used. */
    public void change(Rates rates, long now) {
        committed.change(rates.committed(), rates.burst(), now);
        peak.change(rates.peak(), rates.burst(), now);
    }

    /** Whether frames may be taken now. */
    public boolean open(long now) {
        peak.refill(now);
        return peak.inCredit();
    }

    /** Nanoseconds after the last {@link #open} until it is true. */
    public long opensIn() {
        return peak.nanosToCredit();
    }

    /**
     * Frames to take at most: as many as the credit should do for, at least 1.
     *
     * @return 1 to {@link FrameBatch#CAPACITY}
     */
    public int frames() {
        return (int) Math.min(FrameBatch.CAPACITY, 1 + peak.credit() / frameBytes);
    }

    /** A batch begins of which {@link #charge} tells. */
    public void begin(long now) {
        committed.refill(now);
        peak.refill(now);
    }

    /** A frame was taken. Returns its colour, which is never red. */
    public Colour charge(long bytes) {
        frameBytes = bytes;
        peak.take(bytes);
        if (!committed.has(bytes)) {
            return Colour.YELLOW;
        }
        committed.take(bytes);
        return Colour.GREEN;
    }
}
