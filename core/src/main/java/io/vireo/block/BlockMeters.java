package io.vireo.block;

import java.util.ArrayList;
import java.util.List;

/** The meters of a device's channels, and what the channels that are closed counted. Any thread. */
public final class BlockMeters {
    // Both guarded by this.
    private final List<BlockMeter> open = new ArrayList<>();
    private BlockCounters closed = BlockCounters.ZERO;

    /** Counts a channel's requests from now on. */
    public synchronized void add(BlockMeter meter) {
        open.add(meter);
    }

    /** The channel is closed: its meter will not change any more. */
    public synchronized void close(BlockMeter meter) {
        open.remove(meter);
        closed = closed.plus(meter.counters());
    }

    /** The requests of all channels that there ever were. */
    public synchronized BlockCounters total() {
        BlockCounters sum = closed;
        for (BlockMeter meter : open) {
            sum = sum.plus(meter.counters());
        }
        return sum;
    }
}
