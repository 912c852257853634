package io.vireo.device.virtio.scsi;

import io.vireo.block.LatencyWindow;
import io.vireo.device.scsi.UnitCounters;

/** How long the READs and WRITEs of a LUN took lately, or those of several. */
record LunLatency(LatencyWindow reads, LatencyWindow writes) {
    static LunLatency of(UnitCounters counters, long now) {
        return new LunLatency(counters.reads().window(now), counters.writes().window(now));
    }

    LunLatency plus(LunLatency other) {
        return new LunLatency(reads.plus(other.reads), writes.plus(other.writes));
    }
}
