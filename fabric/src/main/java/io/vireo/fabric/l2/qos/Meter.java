package io.vireo.fabric.l2.qos;

import io.vireo.net.QosSettings.Rates;

/** A two rate three color marker, colour-blind (RFC 2698, section 3). */
public final class Meter {
    private final TokenBucket committed;
    private final TokenBucket peak;

    public Meter(Rates rates, long now) {
        committed = new TokenBucket(rates.committed(), rates.burst(), now);
        peak = new TokenBucket(rates.peak(), rates.burst(), now);
    }

    /** Changes the rates; what was used of them stays used. */
    public void change(Rates rates, long now) {
        committed.change(rates.committed(), rates.burst(), now);
        peak.change(rates.peak(), rates.burst(), now);
    }

    /** Brings the buckets up to the time, before {@link #colour} is asked about frames. */
    public void refill(long now) {
        committed.refill(now);
        peak.refill(now);
    }

    /** The colour of a frame of so many bytes; a red one uses nothing up. */
    public Colour colour(long bytes) {
        if (!peak.has(bytes)) {
            return Colour.RED;
        }
        peak.take(bytes);
        return within(bytes) ? Colour.GREEN : Colour.YELLOW;
    }

    private boolean within(long bytes) {
        if (!committed.has(bytes)) {
            return false;
        }
        committed.take(bytes);
        return true;
    }
}
